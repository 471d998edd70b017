#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/list.h"
#include "base/log.h"
#include "front/access_log.h"
#include "front/budget.h"
#include "front/connection.h"
#include "front/date_clock.h"
#include "front/dispatcher.h"
#include "front/marks.h"
#include "front/memory_return.h"
#include "front/metrics.h"
#include "front/refusal_log.h"
#include "front/settings.h"
#include "front/ticker.h"
#include "net/listener.h"
#include "net/loop.h"
#include "net/timer.h"

namespace forebay::front {

/// Everything that touches clients: listeners, connections, the queue, logs, metrics. The context
/// that connections are given. One thread.
class Front {
 public:
  Front(net::Loop& loop, Settings settings, Log& log, std::optional<AccessLog> access_log);
  ~Front();

  void add_listener(net::Listener listener);
  [[nodiscard]] const std::deque<net::Listener>& listeners() const { return listeners_; }
  void start_accepting();

  /// Takes what waits in the kernel's queues, closes the listeners, lets idle connections go and
  /// busy ones finish; `drained` when the last one is gone. To be called once.
  void drain(std::function<void()> drained);
  [[nodiscard]] bool draining() const { return draining_; }

  // The context.
  [[nodiscard]] const Settings& settings() const { return settings_; }
  [[nodiscard]] const http::RequestLimits& limits(bool trusted) const {
    return trusted ? trusted_limits_ : settings_.limits;
  }
  [[nodiscard]] Log& log() { return log_; }
  [[nodiscard]] net::Loop& loop() { return loop_; }
  [[nodiscard]] Dispatcher& dispatcher() { return dispatcher_; }
  [[nodiscard]] Metrics& metrics() { return metrics_; }
  [[nodiscard]] Ticker& ticker() { return ticker_; }
  /// The bytes of all request bodies that are being received, wait or run.
  [[nodiscard]] Budget& bodies() { return bodies_; }
  /// The bytes of all responses that lie in files.
  [[nodiscard]] Budget& spool() { return spool_; }
  [[nodiscard]] Marker& marker() { return marker_; }
  [[nodiscard]] DateClock& date_clock() { return date_clock_; }
  /// For building a head within one call.
  [[nodiscard]] std::string& scratch() { return scratch_; }
  /// A request was refused for want of room: says so in the log, now and then.
  void no_room_for_body(const Error& error);
  /// A connection is closed as who has made it may not speak the PROXY protocol: the same.
  void unknown_proxy(std::string_view host);
  /// A request is over: log and count it.
  void finished(const Record& record);
  /// After somebody has renamed the log files: opens them anew.
  void reopen_logs();

 private:
  void flush_access_log();
  void accept(Fd socket, std::uint16_t listener);
  /// Closes the connection that has been idle for longest. False: there is none.
  bool close_idle();
  void refuse(Fd socket);
  void ended(std::unique_ptr<Connection> connection);

  net::Loop& loop_;
  Settings settings_;
  http::RequestLimits trusted_limits_;  // for proxies in front of us
  Log& log_;
  std::optional<AccessLog> access_log_;
  net::Timer flush_timer_;
  bool flush_posted_ = false;  // or flush_timer_ runs
  bool dropping_ = false;      // lines of the access log, and we have said so
  Metrics metrics_;
  RefusalLog refusal_log_;
  Ticker ticker_;
  MemoryReturn memory_return_;
  Budget bodies_;
  Budget spool_;
  Marker marker_;
  DateClock date_clock_;
  std::string scratch_;
  Dispatcher dispatcher_;
  std::deque<net::Listener> listeners_;
  List<Connection, ConnectionTag> connections_;
  std::function<void()> drained_;
  bool draining_ = false;
  bool out_of_descriptors_ = false;
  TimePoint no_room_said_;  // the last time
  TimePoint unknown_proxy_said_;
};

}  // namespace forebay::front
