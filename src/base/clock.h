#pragma once

#include <chrono>
#include <cstdint>

namespace forebay {

/// CLOCK_MONOTONIC: one clock for all processes of this machine, so a time taken in a worker
/// compares with one taken in the front.
using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = std::chrono::nanoseconds;

/// A time point as it travels through shared memory: nanoseconds, 0 = not yet.
[[nodiscard]] inline std::int64_t to_ns(TimePoint at) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(at.time_since_epoch()).count();
}
[[nodiscard]] inline TimePoint from_ns(std::int64_t ns) {
  return TimePoint(std::chrono::nanoseconds(ns));
}
[[nodiscard]] inline double to_seconds(Duration d) {
  return std::chrono::duration<double>(d).count();
}
[[nodiscard]] inline Duration from_seconds(double seconds) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

}  // namespace forebay
