#pragma once

#include <array>
#include <cstdint>

#include "base/log.h"
#include "front/exchange.h"
#include "net/timer.h"

namespace forebay::front {

/// Says in the error log that requests are refused for want of servers: the first at once, then how
/// many each kEvery, by reason, until nobody is refused any more. One thread.
class RefusalLog {
 public:
  static constexpr std::chrono::seconds kEvery{10};

  RefusalLog(net::Loop& loop, Log& log) : log_(log), timer_(loop) {}

  /// A request is over; `reason` need not be a refusal.
  void count(Reason reason);

 private:
  void summarize();

  Log& log_;
  net::Timer timer_;
  std::array<std::uint64_t, kReasonWords.size()> counts_{};
};

}  // namespace forebay::front
