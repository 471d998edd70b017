#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/clock.h"
#include "base/list.h"

namespace forebay::queue {

/// How much a request matters: who matters less lets others pass for a while, see Turns.
enum class Priority : std::uint8_t { kHigh, kNormal, kLow };
inline constexpr std::array<std::string_view, 3> kPriorityWords{"high", "normal", "low"};
[[nodiscard]] constexpr std::string_view word(Priority priority) {
  return kPriorityWords[static_cast<std::size_t>(priority)];
}

inline constexpr TimePoint kNoDeadline = TimePoint::max();

/// What a request brings to the queue.
struct Arrival {
  std::uint64_t bytes = 0;  // that it holds in memory and files
  Priority priority = Priority::kNormal;
  std::uint64_t client = 0;          // whose it is, where clients share: one number for each
  TimePoint deadline = kNoDeadline;  // from then on nobody wants its answer
};

struct WaitingTag {};
struct HandedTag {};
struct TurnTag {};

/// What the queue knows of a request. Whoever owns the request derives from this.
class Entry : public Link<WaitingTag>, public Link<HandedTag>, public Link<TurnTag> {
 public:
  /// Set before it is offered, and then left alone.
  Arrival arrival;

  [[nodiscard]] TimePoint arrived() const { return arrived_; }
  /// Waits in the queue proper.
  [[nodiscard]] bool waiting() const { return Link<WaitingTag>::linked(); }
  /// Was taken and not yet finished.
  [[nodiscard]] bool taken() const { return taken_; }

 private:
  friend class RequestQueue;
  TimePoint arrived_;
  bool taken_ = false;
  bool left_ = false;
};

}  // namespace forebay::queue
