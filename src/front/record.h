#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "front/exchange.h"

namespace forebay::front {

/// What remains of a request when it is over: one line of the access log, one step of the metrics.
/// Views live until the call that takes the record returns.
struct Record {
  std::string_view remote;  // address, "" for unix sockets
  std::string_view method;
  std::string_view target;
  std::string_view protocol;
  std::string_view referer;
  std::string_view user_agent;
  int status = 0;
  std::uint64_t bytes = 0;  // of the body sent
  Duration duration{0};     // first byte of the request to last byte of the answer
  Duration queue_time{0};   // complete request to claim, or to the end of its wait
  Duration app_time{0};     // claim to the server's last byte
  Duration write_time{0};   // from then to the last byte handed to the kernel
  int worker_pid = 0;       // 0: never given to one
  bool was_queued = false;  // got as far as the queue
  std::size_t queue_length_at_arrival = 0;
  Reason reason = Reason::kOk;
  std::optional<queue::Priority> priority;  // none: all are equal
  std::optional<Duration> deadline;         // after the first byte, if it has one
  std::string_view request_id;              // empty: none
  std::string_view trace_id;                // empty: none
  std::optional<Duration> proxy_time;  // from a proxy in front to the first byte, if it says so
};

}  // namespace forebay::front
