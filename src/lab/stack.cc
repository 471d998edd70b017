#include "lab/stack.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"
#include "doctor/status_page.h"
#include "lab/stack_files.h"

namespace forebay::lab {
namespace {

constexpr Duration kBootPatience = std::chrono::seconds(60);
constexpr Duration kGlance = std::chrono::milliseconds(10);

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// One that nobody listens on.
std::uint16_t free_port() {
  const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof(address);
  ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), length);
  ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &length);
  return ntohs(address.sin_port);
}

bool listens(std::uint16_t port) {
  const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = loopback(port);
  return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

std::string number(double value) { return format("{}", value); }

}  // namespace

std::string_view word(StackKind kind) {
  switch (kind) {
    case StackKind::kClassic:
      return "classic";
    case StackKind::kForebay:
      return "forebay";
    case StackKind::kHaproxy:
      return "haproxy";
    case StackKind::kGunicorn:
      return "gunicorn";
  }
  return "";
}

std::string_view title(StackKind kind) {
  switch (kind) {
    case StackKind::kClassic:
      return "nginx + gunicorn";
    case StackKind::kForebay:
      return "Forebay";
    case StackKind::kHaproxy:
      return "HAProxy + gunicorn";
    case StackKind::kGunicorn:
      return "gunicorn";
  }
  return "";
}

bool available(StackKind kind, const Programs& programs) {
  switch (kind) {
    case StackKind::kClassic:
      return !programs.nginx.empty() && !programs.gunicorn.empty();
    case StackKind::kForebay:
      return true;
    case StackKind::kHaproxy:
      return !programs.haproxy.empty() && !programs.gunicorn.empty();
    case StackKind::kGunicorn:
      return !programs.gunicorn.empty();
  }
  return false;
}

// --- starting --------------------------------------------------------------------------------

Result<Stack> Stack::start(StackKind kind, const Settings& settings, const Programs& programs,
                           const std::string& directory) {
  Stack stack(kind, settings, directory);
  stack.port_ = free_port();
  stack.server_port_ = free_port();
  if (auto launched = stack.launch(programs); !launched) {
    return std::unexpected(launched.error());
  }
  if (auto ready = stack.wait_until_ready(); !ready) {
    return std::unexpected(ready.error());
  }
  return stack;
}

Result<void> Stack::launch(const Programs& programs) {
  if (auto written = write_text(path("lab_app.py"), application_text()); !written) {
    return written;
  }
  if (kind_ == StackKind::kForebay) {
    return launch_forebay(programs);
  }
  auto launched = launch_gunicorn(programs);
  if (launched && kind_ == StackKind::kClassic) {
    launched = launch_nginx(programs);
  } else if (launched && kind_ == StackKind::kHaproxy) {
    launched = launch_haproxy(programs);
  }
  return launched;
}

Result<void> Stack::launch_forebay(const Programs& programs) {
  const std::string address = format("127.0.0.1:{}", port_);
  sockets_[address] = "forebay";
  admin_ = "unix:" + path("admin.sock");
  return run("forebay",
             {programs.forebay, "serve", "lab_app:application", "--chdir", directory_, "--bind",
              address, "--admin", admin_, "--workers", std::to_string(settings_.workers),
              "--backlog", std::to_string(settings_.backlog), "--max-wait",
              format("{}s", settings_.max_wait), "--spool-dir", directory_});
}

Result<void> Stack::launch_gunicorn(const Programs& programs) {
  sockets_[server_address()] = "gunicorn";
  if (auto written = write_text(path("gunicorn.conf.py"), kGunicornConfig); !written) {
    return written;
  }
  return run(
      "gunicorn",
      {programs.gunicorn, "--config", path("gunicorn.conf.py"), "lab_app:application", "--chdir",
       directory_, "--bind", server_address(), "--worker-tmp-dir", directory_, "--workers",
       std::to_string(settings_.workers), "--backlog", std::to_string(settings_.backlog)});
}

Result<void> Stack::launch_nginx(const Programs& programs) {
  sockets_[format("127.0.0.1:{}", port_)] = "nginx";
  const NginxSite site{.directory = directory_,
                       .port = port_,
                       .backlog = settings_.backlog,
                       .upstream = server_address(),
                       .read_timeout = settings_.read_timeout};
  if (auto written = write_text(path("nginx.conf"), nginx_text(site)); !written) {
    return written;
  }
  return run("nginx", {programs.nginx, "-p", directory_, "-c", path("nginx.conf"), "-e", "stderr"});
}

Result<void> Stack::launch_haproxy(const Programs& programs) {
  sockets_[format("127.0.0.1:{}", port_)] = "haproxy";
  const std::string text =
      haproxy_text({.port = port_, .server = path("gunicorn.sock"), .workers = settings_.workers});
  if (auto written = write_text(path("haproxy.cfg"), text); !written) {
    return written;
  }
  return run("haproxy", {programs.haproxy, "-db", "-f", path("haproxy.cfg")});
}

Result<void> Stack::run(const std::string& name, std::vector<std::string> words) {
  logs_.push_back(path(name + ".log"));
  auto process = Process::start(
      {.name = name,
       .words = std::move(words),
       .log = logs_.back(),
       .input = "",
       .environment = {"LAB_SERVICE=" + number(settings_.service), "LAB_JOURNAL=" + path("journal"),
                       "PYTHONDONTWRITEBYTECODE=1"}});
  if (!process) {
    return std::unexpected(process.error());
  }
  processes_.push_back(std::move(*process));
  return {};
}

Result<void> Stack::wait_until_ready() {
  const TimePoint deadline = Clock::now() + kBootPatience;
  while (!ready()) {
    if (auto alive = check(); !alive) {
      return alive;
    }
    if (Clock::now() > deadline) {
      return std::unexpected(processes_.front().trouble("does not get ready"));
    }
    std::this_thread::sleep_for(kGlance);
  }
  return {};
}

/// Without a request: the first one is the load's.
bool Stack::ready() const {
  if (journal().booted.size() < settings_.workers) {
    return false;
  }
  if (kind_ == StackKind::kForebay) {
    const auto status = doctor::read_forebay_status(processes_.front().pid(), admin_);
    return status && status->servers >= settings_.workers;
  }
  return kind_ == StackKind::kGunicorn || listens(port_);
}

// --- looking ---------------------------------------------------------------------------------

Result<void> Stack::check() {
  for (Process& process : processes_) {
    if (!process.running()) {
      return std::unexpected(process.ended());
    }
  }
  return {};
}

Journal Stack::journal() const {
  Journal journal;
  std::ifstream file(path("journal"));
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string what;
    Journal::Entry entry;
    words >> what >> entry.at >> entry.pid >> entry.target;
    if (what == "boot") {
      journal.booted.push_back(entry);
    } else if (what == "start") {
      journal.started.push_back(entry);
    } else if (what == "end") {
      journal.finished.push_back(entry);
    }
  }
  return journal;
}

std::string Stack::front_log() const { return tail(logs_.back()); }

std::string Stack::path(std::string_view name) const { return format("{}/{}", directory_, name); }

std::string Stack::server_address() const {
  if (kind_ == StackKind::kGunicorn) {
    return format("127.0.0.1:{}", port_);
  }
  return settings_.tcp ? format("127.0.0.1:{}", server_port_) : "unix:" + path("gunicorn.sock");
}

}  // namespace forebay::lab
