#include <malloc.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <memory>
#include <optional>

#include <CLI/CLI.hpp>

#include "base/text.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/identity.h"
#include "cli/python.h"
#include "cli/serve_options.h"
#include "cli/service_manager.h"
#include "cli/stop_sequence.h"
#include "front/admin.h"
#include "front/front.h"
#include "front/spool_file.h"
#include "net/backlog.h"
#include "workers/pool.h"

namespace forebay::cli {
namespace {

constexpr std::uint16_t kDefaultPort = 8000;
constexpr int kAdminBacklog = 128;

/// "Error: ..." to stderr, for what happens before there is a log.
int give_up(const Error& error) {
  std::fprintf(stderr, "Error: %s\n", error.message.c_str());
  return 1;
}

/// Buffers of 64 KiB come and go with every upload. Keeps their pages, up to a bound, instead of
/// giving them back and having the kernel clear new ones for the next (mallopt(3)).
void keep_buffers() {
  ::mallopt(M_MMAP_THRESHOLD, 1 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 32 << 20);
  ::mallopt(M_TOP_PAD, 1 << 20);
}

/// As many descriptors as we may have: a connection costs one. The application gets back what was
/// set for it: some programs close all that they might have, one by one. Returns how many we have.
std::size_t raise_descriptor_limit(workers::Options& application) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return std::numeric_limits<std::size_t>::max();
  }
  application.descriptors = limit.rlim_cur < limit.rlim_max ? limit.rlim_cur : 0;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

/// Clients must not take the descriptors that replacing workers, reloading, logs and the admin
/// pages need: beyond this they get a 503 instead.
std::size_t connections_that_fit(std::size_t descriptors, unsigned seats) {
  constexpr std::size_t kOurs = 128;
  constexpr std::size_t kPerSeat = 4;  // pidfd and control socket, also of a reload
  return descriptors - std::min(descriptors / 2, kOurs + kPerSeat * seats);
}

std::vector<std::string> addresses(const ServeOptions& options) {
  if (!options.bind.empty()) {
    return options.bind;
  }
  const char* port = std::getenv("PORT");
  return {port != nullptr ? format("0.0.0.0:{}", port) : format("127.0.0.1:{}", kDefaultPort)};
}

/// An address, or `fd://N`: a socket that whoever started us has bound.
Result<net::Listener> open_listener(const std::string& text, int backlog) {
  constexpr std::string_view kDescriptor = "fd://";
  if (text.starts_with(kDescriptor)) {
    const std::string number = text.substr(kDescriptor.size());
    int fd = -1;
    const char* end = number.data() + number.size();
    if (std::from_chars(number.data(), end, fd).ptr != end || fd < 0) {
      return fail(format("--bind: '{}' has no descriptor's number: write fd://3", text));
    }
    return net::Listener::adopt(Fd(fd), backlog);
  }
  const Result<net::Address> address = net::parse_address(text, kDefaultPort);
  if (!address) {
    return fail("--bind: " + address.error().message);
  }
  return net::Listener::open(*address, backlog);
}

/// Sockets that a service manager hands over are used instead of --bind, as gunicorn does.
Result<std::vector<net::Listener>> open_listeners(const ServeOptions& options) {
  std::vector<net::Listener> listeners;
  for (Fd& socket : take_inherited_sockets()) {
    Result<net::Listener> listener = net::Listener::adopt(std::move(socket), options.backlog);
    if (!listener) {
      return fail(listener.error().message + ", and LISTEN_FDS says so");
    }
    listeners.push_back(std::move(*listener));
  }
  if (!listeners.empty()) {
    return listeners;
  }
  for (const std::string& text : addresses(options)) {
    Result<net::Listener> listener = open_listener(text, options.backlog);
    if (!listener) {
      return std::unexpected(listener.error());
    }
    listeners.push_back(std::move(*listener));
  }
  return listeners;
}

Result<std::optional<net::Listener>> open_admin(const ServeOptions& options) {
  if (options.admin.empty()) {
    return std::nullopt;
  }
  const Result<net::Address> address = net::parse_address(options.admin, 0);
  if (!address) {
    return fail("--admin: " + address.error().message);
  }
  if (!address->loopback() && !options.admin_public) {
    return fail(
        format("--admin {}: others could reach the admin pages there. Use a unix socket or "
               "127.0.0.1, or say --admin-public",
               address->text()));
  }
  Result<net::Listener> listener = net::Listener::open(*address, kAdminBacklog);
  if (!listener) {
    return fail("--admin: " + listener.error().message);
  }
  return std::move(*listener);
}

void announce(const net::Listener& listener, const ServeOptions& options, Log& log) {
  const net::Address& address = listener.address();
  log.info("Listening at: {}{} ({})", address.unix_socket() ? "" : "http://", address.text(),
           ::getpid());
  const Result<net::Backlog> backlog = net::read_backlog(listener.fd());
  if (backlog && backlog->limit < static_cast<unsigned>(options.backlog)) {
    log.warning(
        "{}: the kernel cut the backlog from {} to {} (net.core.somaxconn of this network "
        "namespace). Harmless unless connections come faster than they can be accepted; "
        "raise the sysctl on the host, or in the container or pod",
        address.text(), options.backlog, backlog->limit);
  }
}

workers::ListenerName name_of(const net::Address& address) {
  if (address.unix_socket()) {
    return {"localhost", "80"};  // PEP 3333: never empty
  }
  return {address.host(), std::to_string(address.port())};
}

/// Who swaps us in for gunicorn shall not wonder why its settings count no more.
void warn_of_gunicorn_settings(Log& log) {
  constexpr const char* kFile = "gunicorn.conf.py";
  constexpr const char* kVariable = "GUNICORN_CMD_ARGS";
  if (::access(kFile, F_OK) == 0) {
    log.warning("{} of this directory is not read: give its settings as options", kFile);
  }
  if (std::getenv(kVariable) != nullptr) {
    log.warning("{} is not read: give its settings as options", kVariable);
  }
}

/// Written before the first worker, removed at the end unless it is another's by then.
class PidFile {
 public:
  static Result<PidFile> write(const std::string& path) {
    if (!path.empty()) {
      std::ofstream file(path);
      file << ::getpid() << '\n';
      if (!file.flush()) {
        return fail(format("cannot write the pid file {}", path));
      }
    }
    return PidFile(path);
  }
  PidFile(PidFile&& other) noexcept : path_(std::exchange(other.path_, "")) {}
  PidFile& operator=(PidFile&&) = delete;
  ~PidFile() {
    pid_t owner = 0;
    if (!path_.empty() && std::ifstream(path_) >> owner && owner == ::getpid()) {
      ::unlink(path_.c_str());
    }
  }

 private:
  explicit PidFile(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

/// Everything that can fail before a client is accepted.
struct Prepared {
  Log log;
  std::optional<front::AccessLog> access_log;
  std::vector<net::Listener> listeners;
  std::optional<net::Listener> admin;
  PidFile pid_file;
};

/// Gives away what is opened or removed again later, then becomes its owner.
Result<void> change_identity(const Identity& identity, const ServeOptions& options,
                             const Prepared& prepared) {
  std::vector<std::string> paths;
  for (const std::string& path : {options.error_log, options.access_log, options.pid_file}) {
    if (!path.empty() && path != "-") {
      paths.push_back(path);
    }
  }
  for (const net::Listener& listener : prepared.listeners) {
    if (listener.owns_path()) {
      paths.push_back(listener.address().path());
    }
  }
  if (prepared.admin && prepared.admin->owns_path()) {
    paths.push_back(prepared.admin->address().path());
  }
  for (const std::string& path : paths) {
    if (const Result<void> given = give(path, identity); !given) {
      return given;
    }
  }
  return become(identity);
}

Result<Prepared> prepare(ServeOptions& options) {
  if (const Result<void> checked = check_serve(options); !checked) {
    return std::unexpected(checked.error());
  }
  Result<std::string> python = find_python(options.workers.python);
  Result<std::string> package = find_package();
  if (!python || !package) {
    return std::unexpected(!python ? python.error() : package.error());
  }
  options.workers.python = *python;
  options.workers.package = *package;
  Result<std::optional<Identity>> identity = find_identity(options.user, options.group);
  if (!identity) {
    return std::unexpected(identity.error());
  }
  Result<Log> log = Log::open(options.error_log, options.log_level);
  if (!log) {
    return std::unexpected(log.error());
  }
  std::optional<front::AccessLog> access_log;
  if (!options.access_log.empty()) {
    Result<front::AccessLog> opened =
        front::AccessLog::open(options.access_log, options.access_log_format);
    if (!opened) {
      return std::unexpected(opened.error());
    }
    access_log.emplace(std::move(*opened));
  }
  Result<std::vector<net::Listener>> listeners = open_listeners(options);
  if (!listeners) {
    return std::unexpected(listeners.error());
  }
  Result<std::optional<net::Listener>> admin = open_admin(options);
  if (!admin) {
    return std::unexpected(admin.error());
  }
  Result<PidFile> pid_file = PidFile::write(options.pid_file);
  if (!pid_file) {
    return std::unexpected(pid_file.error());
  }
  Prepared prepared{std::move(*log), std::move(access_log), std::move(*listeners),
                    std::move(*admin), std::move(*pid_file)};
  if (*identity) {
    if (const Result<void> changed = change_identity(**identity, options, prepared); !changed) {
      return std::unexpected(changed.error());
    }
  }
  // As who we are from now on: not only at the first large body.
  const Result<front::SpoolFile> spool = front::SpoolFile::create(options.front.spool_directory);
  if (!spool) {
    return fail(format("--spool-dir: {}", spool.error().message));
  }
  return prepared;
}

int serve(ServeOptions options) {
  keep_buffers();
  const std::size_t descriptors = raise_descriptor_limit(options.workers);
  if (options.umask) {
    ::umask(*options.umask);
  }
  Result<Prepared> prepared = prepare(options);
  if (!prepared) {
    return give_up(prepared.error());
  }
  Log& log = prepared->log;
  if (const std::size_t fit = connections_that_fit(descriptors, options.workers.seats());
      fit < options.front.connections_max) {
    log.warning(
        "Room for {} connections, not {}: this process may have {} descriptors. Raise the "
        "hard limit (ulimit -Hn, LimitNOFILE=)",
        fit, options.front.connections_max, descriptors);
    options.front.connections_max = fit;
  }
  net::Loop loop;
  front::Front front(loop, options.front, log, std::move(prepared->access_log));
  log.info("Starting forebay {}", FOREBAY_VERSION);
  warn_of_gunicorn_settings(log);
  for (net::Listener& listener : prepared->listeners) {
    announce(listener, options, log);
    options.workers.listeners.push_back(name_of(listener.address()));
    front.add_listener(std::move(listener));
  }
  log.info("{} workers x {} threads of {}; waiting up to {} s, {} requests at most",
           options.workers.workers, options.workers.threads, options.workers.python,
           to_seconds(options.front.queue.wait_max), options.front.queue.length_max);

  int exit_code = 0;
  ServiceManager manager(loop, log);
  workers::Pool pool(front, options.workers,
                     {.ready = [&] { manager.ready(); },
                      .failed =
                          [&](int code) {
                            exit_code = code;
                            log.error("{}", code == 4
                                                ? "The application cannot be used. Shutting down"
                                                : "A worker failed to boot. Shutting down");
                            loop.stop();
                          }});
  StopSequence signals(front, pool, manager, options.workers.graceful_timeout);
  std::optional<front::Admin> admin;
  if (prepared->admin) {
    admin.emplace(front, std::move(*prepared->admin));
    admin->start();
    log.info("Admin pages at: {}", admin->address().text());
  }
  if (const Result<void> started = pool.start(); !started) {
    return give_up(started.error());
  }
  front.start_accepting();
  loop.run();
  log.info("Shutting down: Front");
  return exit_code;
}

}  // namespace

int serve_main(int argc, char** argv) {
  CLI::App app("Serve a WSGI application", "forebay serve");
  app.footer(
      "Examples:\n"
      "  forebay serve mysite.wsgi -w 4\n"
      "  forebay serve app:application -b 0.0.0.0:8000 -b unix:/run/app.sock --threads 4\n"
      "  forebay serve 'app:create_app()' --admin unix:/run/forebay.sock --max-wait 20s\n"
      "Signals: TERM finishes what is queued and running, INT and QUIT stop now, HUP loads the\n"
      "application anew while the queue waits.");
  ServeOptions options;
  add_serve_options(app, options);
  if (const std::optional<int> status = parse(app, argc, argv)) {
    return *status;
  }
  return serve(std::move(options));
}

}  // namespace forebay::cli
