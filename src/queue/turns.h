#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

#include "base/clock.h"
#include "base/list.h"
#include "queue/entry.h"

namespace forebay::queue {

/// Whose turn it is where requests differ in priority, or clients share the servers: first the
/// priority decides, then the clients of that priority are served one after the other.
///
/// Ageing: who has a lower priority counts as if it had come later, normal by a quarter of the
/// longest wait and low by half of it. So it is passed only by who comes within that time after it,
/// and whoever waits gets its turn.
///
/// Sharing: each client has a list of its own, and a turn takes one request from it. A client that
/// had none waiting comes before the one that was served last, so that a newcomer need not wait for
/// the second request of whoever keeps the servers busy.
class Turns {
 public:
  void add(Entry& entry);
  /// It had its turn, but no server: it is the next of its priority.
  void put_back(Entry& entry);
  /// Whose turn it is, none if nobody waits. `wait_max`: the longest wait.
  [[nodiscard]] Entry* next(Duration wait_max) const;
  /// It was next() and has had its turn.
  void served(Entry& entry);
  /// It does not wait any more.
  void remove(Entry& entry);

  /// How many of those that wait now would be served before this one: at most, but for those of
  /// lower priority that have aged.
  [[nodiscard]] std::size_t ahead_of(const Arrival& arrival) const;
  [[nodiscard]] std::size_t waiting(Priority priority) const { return level(priority).waiting; }
  /// Clients that have requests waiting; one that has them in two priorities counts twice.
  [[nodiscard]] std::size_t clients() const;

 private:
  struct RoundTag {};
  /// The waiting requests of one client, never empty.
  struct Share : Link<RoundTag> {
    List<Entry, TurnTag> entries;
    std::size_t waiting = 0;
  };
  struct Level {
    std::map<std::uint64_t, Share> shares;     // by client
    List<Share, RoundTag> round;               // whose turn is next comes first
    std::optional<std::uint64_t> served_last;  // that client; if it waits, at the end of the round
    std::size_t waiting = 0;
  };

  [[nodiscard]] Level& level(Priority priority) {
    return levels_[static_cast<std::size_t>(priority)];
  }
  [[nodiscard]] const Level& level(Priority priority) const {
    return levels_[static_cast<std::size_t>(priority)];
  }
  /// The share of the entry's client, with a place in the round.
  Share& share_of(const Entry& entry);

  std::array<Level, kPriorityWords.size()> levels_;
};

}  // namespace forebay::queue
