#include "cli/serve_options.h"

#include <cstdlib>

#include <CLI/CLI.hpp>

#include "base/text.h"
#include "channel/layout.h"
#include "cli/add_option.h"
#include "cli/client_options.h"
#include "cli/gunicorn_options.h"
#include "cli/queue_options.h"

namespace forebay::cli {
namespace {

constexpr unsigned kRequestsMax = 1U << 30;

unsigned default_workers() {
  const char* concurrency = std::getenv("WEB_CONCURRENCY");
  const int count = concurrency == nullptr ? 0 : std::atoi(concurrency);
  return count > 0 ? static_cast<unsigned>(count) : 1;
}

void add_network(CLI::App& command, ServeOptions& o) {
  const std::string group = "Network";
  command
      .add_option("-b,--bind", o.bind,
                  "Where to listen: HOST, HOST:PORT, [IPv6]:PORT, unix:PATH or fd://N; repeatable. "
                  "Sockets of a service manager (LISTEN_FDS) are used instead")
      ->type_name("ADDRESS")
      ->default_str(std::getenv("PORT") != nullptr ? "0.0.0.0:$PORT" : "127.0.0.1:8000")
      ->group(group);
  add_count(command, "--backlog", o.backlog, 1, 1 << 20,
            "The kernel's listen queue; Forebay accepts at once, so it stays short")
      ->group(group);
  add_parsed(command, "--keep-alive", o.front.keep_alive, parse_positive_duration,
             "Idle time allowed on a connection; keep it above your load balancer's", "TIME", "75s")
      ->group(group);
  command
      .add_option("-u,--user", o.user,
                  "Become this user, by name or number, once addresses and logs are open and "
                  "before the application is loaded")
      ->type_name("USER")
      ->group(group);
  command.add_option("-g,--group", o.group, "Become this group; else the user's own")
      ->type_name("GROUP")
      ->group(group);
  add_parsed(command, "-m,--umask", o.umask, parse_umask,
             "Mode bits that new files and unix sockets do not get, as in 0007", "MODE",
             "as it was started")
      ->group(group);
  add_count(command, "--max-connections", o.front.connections_max, kOne, kMany,
            "Beyond: idle ones are closed to make room, then 503 and close")
      ->group(group);
}

void add_workers(CLI::App& command, ServeOptions& o) {
  const std::string group = "Workers";
  add_count(command, "-w,--workers", o.workers.workers, 1U, channel::kMaxServers,
            "Worker processes; env WEB_CONCURRENCY")
      ->group(group);
  add_count(command, "--threads", o.workers.threads, 1U, channel::kMaxServers,
            "Requests that each worker runs at once")
      ->group(group);
  command
      .add_option_function<std::string>(
          "-k,--worker-class",
          [](const std::string& text) {
            if (text != "sync" && text != "gthread") {
              throw CLI::ValidationError(
                  "--worker-class", format("'{}' is not offered yet: use sync, or gthread with "
                                           "--threads",
                                           text));
            }
          },
          "sync, or gthread (sync with --threads)")
      ->default_str("sync")
      ->group(group);
  add_parsed(command, "-t,--timeout", o.workers.timeout, parse_duration,
             "A request that runs longer is answered 504 and its worker replaced; 0 = no limit",
             "TIME", "30s")
      ->group(group);
  add_parsed(command, "--boot-timeout", o.workers.boot_timeout, parse_duration,
             "Time to load the application; 0 = no limit", "TIME", "120s")
      ->group(group);
  add_parsed(command, "--graceful-timeout", o.workers.graceful_timeout, parse_duration,
             "Time to finish what is queued and running on TERM and HUP", "TIME", "30s")
      ->group(group);
  add_count(command, "--max-requests", o.workers.max_requests, 0U, kRequestsMax,
            "Replace a worker after so many requests, once another is ready; 0 = never")
      ->group(group);
  add_count(command, "--max-requests-jitter", o.workers.max_requests_jitter, 0U, kRequestsMax,
            "0 to N requests more for each worker, so that not all are replaced at once")
      ->group(group);
  add_parsed(command, "--max-worker-memory", o.workers.worker_memory_max, parse_bytes,
             "Replace a worker that takes more, once another is ready; 0 = never", "SIZE", "0")
      ->group(group);
  command.add_flag("--preload", o.workers.preload, "Load the application before forking workers")
      ->group(group);
}

void add_application(CLI::App& command, ServeOptions& o) {
  const std::string group = "Application";
  command
      .add_option("APP", o.workers.application,
                  "module, module:name or module:factory(); the name is `application` if not given")
      ->required();
  command.add_option("--chdir", o.workers.chdir, "Directory to enter before loading it")
      ->type_name("DIR")
      ->check(existing_directory())
      ->group(group);
  command.add_option("--pythonpath", o.workers.pythonpath, "Directories put in front of sys.path")
      ->type_name("DIR,...")
      ->delimiter(',')
      ->group(group);
  command
      .add_option("--python", o.workers.python,
                  "The interpreter; else that of the active virtualenv, else python3 of PATH")
      ->type_name("PATH")
      ->group(group);
  command
      .add_option_function<std::vector<std::string>>(
          "-e,--env",
          [&o](const std::vector<std::string>& pairs) {
            for (const std::string& pair : pairs) {
              const std::size_t equals = pair.find('=');
              if (equals == 0 || equals == std::string::npos) {
                throw CLI::ValidationError("--env", format("'{}' is not KEY=VALUE", pair));
              }
              o.workers.env.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
            }
          },
          "KEY=VALUE for the application's environment; repeatable")
      ->type_name("KEY=VALUE")
      ->group(group);
}

void add_seeing(CLI::App& command, ServeOptions& o) {
  const std::string group = "Logs and metrics";
  command.add_option("--access-logfile", o.access_log, "A file, or - for stdout")
      ->type_name("PATH")
      ->group(group);
  add_parsed(command, "--access-logformat", o.access_log_format, front::parse_access_log_format,
             "forebay (combined with queue and app time), combined, json", "FORMAT", "forebay")
      ->group(group);
  command.add_option("--error-logfile,--log-file", o.error_log, "A file, or - for stderr")
      ->type_name("PATH")
      ->capture_default_str()
      ->group(group);
  add_parsed(command, "--log-level", o.log_level, parse_log_level,
             "debug, info, warning, error, critical", "LEVEL", "info")
      ->group(group);
  command
      .add_option("--admin", o.admin,
                  "Listener for /livez /readyz /metrics /status.json /queue: unix:PATH or "
                  "HOST:PORT (loopback only, see --admin-public)")
      ->type_name("ADDRESS")
      ->group(group);
  command
      .add_flag("--admin-public", o.admin_public, "Allow --admin on an address that others reach")
      ->group(group);
  command
      .add_option("--health-path", o.front.health_path,
                  "A path, such as /-/health, that is answered at once and never queues")
      ->type_name("PATH")
      ->group(group);
  command.add_option("-p,--pid", o.pid_file, "Write the process id there")
      ->type_name("PATH")
      ->group(group);
}

}  // namespace

void add_serve_options(CLI::App& command, ServeOptions& options) {
  options.workers.workers = default_workers();
  add_application(command, options);
  add_network(command, options);
  add_workers(command, options);
  add_queue_options(command, options.front);
  add_client_options(command, options);
  add_seeing(command, options);
  refuse_gunicorn_options(command);
}

Result<void> check_serve(const ServeOptions& o) {
  if (o.workers.servers() > channel::kMaxServers) {
    return fail(format("--workers {} x --threads {} is {} servers, the most is {}",
                       o.workers.workers, o.workers.threads, o.workers.servers(),
                       channel::kMaxServers));
  }
  if (!o.front.health_path.empty() && !o.front.health_path.starts_with('/')) {
    return fail(format("--health-path '{}' must begin with /", o.front.health_path));
  }
  return check_queue(o.front);
}

}  // namespace forebay::cli
