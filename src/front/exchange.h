#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/clock.h"
#include "base/fd.h"
#include "front/body.h"
#include "front/forwarded.h"
#include "front/marks.h"
#include "http/field.h"
#include "http/request.h"
#include "queue/queue.h"

namespace forebay::front {

/// How a request ended: one word in the log and in the metrics.
enum class Reason : std::uint8_t {
  kOk,
  kQueueFull,
  kQueueTimeout,
  kPredictedWait,
  kDeadline,
  kShuttingDown,
  kClientGoneQueued,
  kClientGoneRunning,
  kWorkerDied,
  kWorkerTimeout,
  kBadRequest,
  kSlowRequest,
  kNoRoom,
  kAppFailed,  // it raised after the answer had begun
};
inline constexpr std::array<std::string_view, 14> kReasonWords{
    "ok",          "queue_full",     "queue_timeout",      "predicted_wait",
    "deadline",    "shutting_down",  "client_gone_queued", "client_gone_running",
    "worker_died", "worker_timeout", "bad_request",        "slow_request",
    "no_room",     "app_failed"};
[[nodiscard]] constexpr std::string_view word(Reason reason) {
  return kReasonWords[static_cast<std::size_t>(reason)];
}
/// Not run for want of servers.
[[nodiscard]] constexpr bool is_refusal(Reason reason) {
  return reason == Reason::kQueueFull || reason == Reason::kQueueTimeout ||
         reason == Reason::kPredictedWait || reason == Reason::kDeadline;
}
[[nodiscard]] Reason to_reason(queue::Refusal refusal);

/// The head of an answer, as views that live until the call returns.
struct ResponseStart {
  int status = 0;
  std::string_view reason;
  std::span<const http::Field> fields;
};

/// Where an answer goes. The backend calls these on the front's thread; `end` marks the last call.
/// A sink may start the connection's next request before it returns: after a call with `end`,
/// abort() or lost() the caller touches neither the sink nor its exchange again.
class ResponseSink {
 public:
  /// False: the client is behind by as much as we are willing to hold. Ask again later.
  [[nodiscard]] virtual bool has_room() const = 0;
  virtual void start(const ResponseStart& head, std::string_view body, bool end) = 0;
  virtual void body(std::string_view bytes, bool end) = 0;
  virtual void file(Fd file, std::uint64_t offset, std::uint64_t length, bool end) = 0;
  /// The answer broke off: no clean end.
  virtual void abort(Reason reason) = 0;
  /// There will be no answer from the application, and none of it has been sent.
  virtual void lost(Reason reason) = 0;

 protected:
  ~ResponseSink() = default;
};

/// One request on its way through queue and backend, and what became of it.
struct Exchange : queue::Entry {
  Exchange(const http::RequestHead& request_head, ResponseSink& response_sink)
      : head(request_head), sink(response_sink) {}

  const http::RequestHead& head;
  ResponseSink& sink;
  Body body;
  std::uint16_t listener = 0;
  std::string_view remote_host;  // of the client; a proxy's, unless one that is trusted says it
  std::uint16_t remote_port = 0;
  Origin origin;
  Marks marks;

  TimePoint began;    // first byte of the head
  TimePoint queued;   // complete, offered to the queue
  TimePoint started;  // a server has claimed it; zero: none has
  TimePoint ended;    // last byte from the server
  std::size_t queue_length_at_arrival = 0;
  int worker_pid = 0;      // 0: never given to one
  unsigned attempts = 0;   // servers that have begun it
  bool answering = false;  // a byte of the answer has come
  bool abandoned = false;  // its client left while a server worked on it

  /// For the backend alone.
  void* backend_place = nullptr;
  std::uint64_t backend_ticket = 0;

  [[nodiscard]] bool has_started() const { return started != TimePoint{}; }
  /// Time in the queue so far: to the claim, or to `now` while nobody has.
  [[nodiscard]] Duration queue_time(TimePoint now) const {
    return (has_started() ? started : now) - queued;
  }
};

}  // namespace forebay::front
