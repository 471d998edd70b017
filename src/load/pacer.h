#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "load/schedule.h"
#include "net/loop.h"
#include "net/timer.h"

namespace forebay::load {

/// How the last stretch before a hit is waited for.
enum class Pacing : std::uint8_t {
  kEco,      // asleep: tens of microseconds late, next to no CPU
  kPrecise,  // asleep until shortly before, as the machine's own lateness demands, then awake
  kSpin,     // awake all the time, a whole CPU
};

/// Releases hits when their time has come, on a loop. Late ones are released at once and keep their
/// intended time; nothing is left out. While there is no room (`has_room`) they stay where they are
/// as data, in the schedule. One thread.
class Pacer final : public net::Source {
 public:
  struct Due {
    std::uint64_t sequence = 0;
    TimePoint intended;
    TimePoint now;
    Duration late{0};  // by our own fault: what it waited for room is not counted
  };
  struct User {
    std::function<bool()> has_room;
    std::function<void(const Due&)> release;
    std::function<void()> over;  // everything was released
  };

  Pacer(net::Loop& loop, TimePoint start, Arrivals arrivals, Pacing pacing, User user);
  Pacer(const Pacer&) = delete;
  Pacer& operator=(const Pacer&) = delete;
  ~Pacer() override { loop_.remove(*this); }

  /// No more hits are released; over() is not called.
  void stop() { next_.reset(); }
  [[nodiscard]] bool finished() const { return !next_; }

  std::size_t poll() override;
  bool announce_sleep() override;
  void end_sleep() override;

 private:
  void release(TimePoint now);
  [[nodiscard]] TimePoint due() const { return start_ + next_->offset; }

  net::Loop& loop_;
  TimePoint start_;
  Arrivals arrivals_;
  Pacing pacing_;
  User user_;
  net::Timer timer_;
  std::optional<Arrival> next_;
  Duration tail_;  // how long before a hit we want to be awake: 99 of 100 sleeps end within it
  TimePoint asleep_until_;  // where a sleep was for a hit
  TimePoint room_since_;    // nothing before this was our fault
  bool held_ = false;       // there was no room
};

}  // namespace forebay::load
