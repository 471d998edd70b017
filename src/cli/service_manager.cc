#include "cli/service_manager.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "base/clock.h"
#include "base/text.h"

namespace forebay::cli {
namespace {

constexpr int kFirstInherited = 3;
constexpr int kInheritedMax = 1024;
/// The longest that a manager which does not read may hold us up.
constexpr timeval kPatience{.tv_sec = 0, .tv_usec = 100'000};

/// A variable's value, "" without one; it is gone from the environment then.
std::string take_variable(const char* name) {
  const char* value = std::getenv(name);
  std::string text = value == nullptr ? "" : value;
  ::unsetenv(name);
  return text;
}

template <typename T>
std::optional<T> parse_number(std::string_view text) {
  T number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(number)
                                                                  : std::nullopt;
}

/// Variables that name a process are for that process alone.
bool is_ours(std::string_view pid) { return parse_number<pid_t>(pid) == ::getpid(); }

}  // namespace

std::vector<Fd> take_inherited_sockets() {
  const char* pid = std::getenv("LISTEN_PID");
  if (pid == nullptr || !is_ours(pid)) {
    return {};
  }
  ::unsetenv("LISTEN_PID");
  ::unsetenv("LISTEN_FDNAMES");
  const int count = parse_number<int>(take_variable("LISTEN_FDS")).value_or(0);
  std::vector<Fd> sockets;
  for (int fd = kFirstInherited; fd < kFirstInherited + count && fd < kInheritedMax; ++fd) {
    sockets.emplace_back(fd);
  }
  return sockets;
}

ServiceManager::ServiceManager(net::Loop& loop, Log& log)
    : log_(log), path_(take_variable("NOTIFY_SOCKET")), watchdog_timer_(loop) {
  const std::string interval = take_variable("WATCHDOG_USEC");
  const std::string pid = take_variable("WATCHDOG_PID");
  if (path_.empty()) {
    return;
  }
  socket_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof(kPatience));
  if (pid.empty() || is_ours(pid)) {
    watchdog_interval_ =
        std::chrono::microseconds(parse_number<std::int64_t>(interval).value_or(0));
    watchdog();
  }
}

void ServiceManager::ready() { send("READY=1\nSTATUS=Serving"); }

void ServiceManager::reloading() {
  const auto now =
      std::chrono::duration_cast<std::chrono::microseconds>(Clock::now().time_since_epoch());
  send(format("RELOADING=1\nMONOTONIC_USEC={}\nSTATUS=Starting new workers", now.count()));
}

void ServiceManager::stopping() { send("STOPPING=1\nSTATUS=Finishing what is queued and running"); }

/// Twice as often as asked for, as sd_watchdog_enabled(3) advises.
void ServiceManager::watchdog() {
  if (watchdog_interval_.count() <= 0) {
    return;
  }
  send("WATCHDOG=1");
  watchdog_timer_.after(watchdog_interval_ / 2, [this] { watchdog(); });
}

void ServiceManager::send(const std::string& text) {
  sockaddr_un address{};
  if (!socket_ || path_.size() >= sizeof(address.sun_path)) {
    return;
  }
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path_.data(), path_.size());
  if (path_.starts_with('@')) {
    address.sun_path[0] = '\0';  // unix(7), "abstract"
  }
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path_.size());
  if (::sendto(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL,
               reinterpret_cast<const sockaddr*>(&address), length) < 0 &&
      !std::exchange(told_trouble_, true)) {
    log_.warning("cannot tell the service manager at {} (NOTIFY_SOCKET) how we are: {}", path_,
                 std::strerror(errno));
  }
}

}  // namespace forebay::cli
