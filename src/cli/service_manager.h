#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/log.h"
#include "net/loop.h"
#include "net/timer.h"

/// The service manager that started us: systemd, or one that speaks as it does.
namespace forebay::cli {

/// The sockets that it has bound for this process, in its order (sd_listen_fds(3)). Its variables
/// are removed, as they are not for our children; so the second call returns none.
std::vector<Fd> take_inherited_sockets();

/// Tells it how we are (sd_notify(3)), and that the loop turns if it wants to know
/// (sd_watchdog_enabled(3)). Without one it tells nobody. Its variables are removed as well.
class ServiceManager {
 public:
  ServiceManager(net::Loop& loop, Log& log);

  /// Somebody takes requests; also: a reload is over.
  void ready();
  void reloading();
  void stopping();

 private:
  void send(const std::string& text);
  void watchdog();

  Log& log_;
  std::string path_;  // "" = nobody listens; "@..." = of an abstract address
  Fd socket_;
  std::chrono::microseconds watchdog_interval_{0};  // zero: it does not want to know
  net::Timer watchdog_timer_;
  bool told_trouble_ = false;
};

}  // namespace forebay::cli
