#pragma once

#include "front/exchange.h"

namespace forebay::front {

/// How many workers are in which state.
struct WorkerCounts {
  std::size_t idle = 0;
  std::size_t busy = 0;
  std::size_t starting = 0;
  std::size_t stopping = 0;
};

/// What runs requests: our own workers, or somebody else's server. The queue does not know which.
class Backend {
 public:
  virtual ~Backend() = default;
  /// Hands the request over. False: no room just now; Dispatcher::pump() when there is.
  [[nodiscard]] virtual bool start(Exchange& exchange) = 0;
  /// Takes it back. False: a server has begun it.
  [[nodiscard]] virtual bool cancel(Exchange& exchange) = 0;
  /// A server runs it for a client that has left: whoever asks there is told so.
  virtual void abandon(Exchange& exchange) = 0;
  /// Has a server begun it? Then Exchange::started and worker_pid are set.
  virtual bool begun(Exchange& exchange) = 0;

  /// Some server takes requests now.
  [[nodiscard]] virtual bool ready() const = 0;
  [[nodiscard]] virtual WorkerCounts count_workers() const = 0;
};

}  // namespace forebay::front
