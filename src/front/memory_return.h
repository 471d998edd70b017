#pragma once

#include <algorithm>
#include <cstddef>

#include "base/clock.h"
#include "net/timer.h"

namespace forebay::front {

/// After a high load the memory of its connections lies in the allocator's lists, and the process
/// looks as large as ever: gives it back to the system (malloc_trim(3)) when the load has fallen to
/// half, a moment later, and not often. One thread.
class MemoryReturn {
 public:
  /// A load of fewer connections is not worth it.
  static constexpr std::size_t kWorthIt = 1000;
  static constexpr std::chrono::seconds kMoment{5};
  static constexpr std::chrono::seconds kNotOftener{30};

  explicit MemoryReturn(net::Loop& loop) : timer_(loop) {}

  void opened(std::size_t connections) {
    now_ = connections;
    most_ = connections > most_ ? connections : most_;
  }
  void closed(std::size_t connections) {
    now_ = connections;
    if (has_fallen() && !timer_.armed()) {
      timer_.after(std::max<Duration>(kMoment, last_ + kNotOftener - Clock::now()),
                   [this] { trim(); });
    }
  }

 private:
  [[nodiscard]] bool has_fallen() const { return most_ >= kWorthIt && now_ <= most_ / 2; }
  void trim();

  net::Timer timer_;
  std::size_t now_ = 0;
  std::size_t most_ = 0;  // since the last time
  TimePoint last_;
};

}  // namespace forebay::front
