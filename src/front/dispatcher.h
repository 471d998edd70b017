#pragma once

#include <optional>
#include <vector>

#include "front/backend.h"
#include "front/metrics.h"
#include "net/timer.h"
#include "queue/queue.h"

namespace forebay::front {

/// Between connections and backend: admits exchanges to the queue, hands them over when the backend
/// has servers, and ends the waiting ones when their time is over. One thread.
class Dispatcher {
 public:
  Dispatcher(net::Loop& loop, const queue::Policy& policy, Metrics& metrics);

  // From connections.

  /// Admits the exchange and hands over what can be; or says why not.
  [[nodiscard]] std::optional<Reason> offer(Exchange& exchange);
  /// What offer() would say of such a request.
  [[nodiscard]] std::optional<Reason> look(const queue::Arrival& arrival) const;
  /// The client has left. True: the exchange is over, no server ever saw it. False: a server is at
  /// it; its sink will be told the end.
  [[nodiscard]] bool withdraw(Exchange& exchange);
  [[nodiscard]] unsigned retry_after() { return queue_.retry_after(); }

  // From the backend.

  void set_backend(Backend* backend) { backend_ = backend; }
  /// How many requests can run at once from now on.
  void set_servers(std::size_t servers);
  /// A server has begun the exchange.
  void begun(Exchange& exchange);
  /// The exchange has its answer, or will have none. Its server may still be busy.
  void answered(Exchange& exchange);
  /// A server is free again, after so much work; nothing if the work says nothing about others'.
  void server_free(std::optional<Duration> service);
  /// A server died with the exchange: back to the head of the queue.
  void put_back(Exchange& exchange);
  void pump() { pump(Clock::now()); }

  // From whoever shows or stops the queue.

  [[nodiscard]] const queue::RequestQueue& queue() const { return queue_; }
  [[nodiscard]] const Backend& backend() const { return *backend_; }
  /// The exchanges that wait, those at the servers' door first.
  [[nodiscard]] std::vector<Exchange*> waiting();
  /// From now on every offer is refused; what waits goes on to be served.
  void refuse_new() { refusing_ = true; }
  /// Ends everything that waits.
  void refuse_waiting();
  [[nodiscard]] bool refusing() const { return refusing_; }

 private:
  void pump(TimePoint now);
  void expire();
  void arm_timer();
  /// Takes the exchange out of queue and backend. False: a server has begun it.
  bool take_back(Exchange& exchange);

  Metrics& metrics_;
  queue::RequestQueue queue_;
  Backend* backend_ = nullptr;
  net::Timer timer_;
  TimePoint timer_at_;  // where armed
  bool refusing_ = false;
};

}  // namespace forebay::front
