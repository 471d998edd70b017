#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <set>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/list.h"
#include "queue/entry.h"
#include "queue/patience.h"
#include "queue/turns.h"

/// The queue and its policy, as pure logic: no sockets, no threads, and time is a parameter. The
/// same class serves live traffic, unit tests and simulation.
namespace forebay::queue {

/// Who is next where all are equal.
enum class Order : std::uint8_t {
  kFifo,          // who came first
  kLifo,          // who came last: it has most of its patience left
  kAdaptiveLifo,  // who came first, unless it has waited for a third of the longest wait
};
inline constexpr std::array<std::string_view, 3> kOrderWords{"fifo", "lifo", "adaptive-lifo"};
[[nodiscard]] constexpr std::string_view word(Order order) {
  return kOrderWords[static_cast<std::size_t>(order)];
}

struct Policy {
  Order order = Order::kFifo;
  /// Not all are equal: Turns decide, by priority and client, and `order` is kFifo.
  bool turns = false;
  /// Longest time a request may wait for a server. The limit that matters; set it to the patience
  /// of the callers.
  Duration wait_max = std::chrono::seconds(60);
  /// Lower that limit to what clients are seen to bear.
  bool learn_patience = true;
  /// Guards of memory, not policy: waiting requests, and bytes of their bodies.
  std::size_t length_max = 10'000;
  std::uint64_t bytes_max = std::uint64_t{2} << 30;
  /// Refuse on arrival what would wait too long anyway, or end after its deadline.
  bool predict = true;
};

/// Why a request is not admitted. Whoever reads this may safely send it again.
enum class Refusal { kQueueFull, kPredictedWait, kDeadline };

/// The limit of the wait in force.
struct WaitLimit {
  enum class Why {
    kSet,      // wait_max
    kLearned,  // clients leave sooner
    kFloor,    // they leave so soon that we do not follow
  };
  Duration wait{0};
  Why why = Why::kSet;
};

[[nodiscard]] constexpr std::string_view word(WaitLimit::Why why) {
  return why == WaitLimit::Why::kSet       ? "set"
         : why == WaitLimit::Why::kLearned ? "learned"
                                           : "floor";
}

/// The life of an entry:
///
///   offer() -> waiting -> take() -> handed over -> running() -> answered()   server_free()
///                 |  ^                   |             |
///      withdraw() v  +--- put_back() ----+-------------+
///                                        v withdraw(), when a server had not begun
///
/// Handed over means: a server can take it at any moment, but nobody has. It still counts as
/// waiting, its maximum wait still runs, and it can still be withdrawn.
///
/// A server stays busy after the answer until server_free(): closing a response takes time too.
///
/// Whose turn it is does not change when an entry's time is over: both lists are in the order of
/// arrival, and of an entry's own deadline and the maximum wait the earlier counts.
///
/// Invariants: outstanding_ counts taken entries and busy servers whose entry was answered; turns_,
/// if any, has what waiting_ has; deadlines_ has what waits or was handed over and has a deadline.
class RequestQueue {
 public:
  /// `seed` feeds the jitter of retry_after() only.
  RequestQueue(const Policy& policy, std::uint64_t seed);

  /// How many requests can run at once. May change at any time.
  void set_servers(std::size_t servers) { servers_ = servers; }

  /// Admits the entry, or says why not.
  [[nodiscard]] std::optional<Refusal> offer(Entry& entry, TimePoint now);
  /// What offer() would say now; for `Expect: 100-continue`.
  [[nodiscard]] std::optional<Refusal> look(const Arrival& arrival, TimePoint now) const;
  /// The next entry to hand over, or none: nobody waits, or the servers have enough.
  [[nodiscard]] Entry* take(TimePoint now);
  /// A server has begun to work on it.
  void running(Entry& entry);
  /// A taken entry is over, with or without an answer. Its server counts as busy until
  /// server_free().
  void answered(Entry& entry, TimePoint now);
  /// A server is free again. `service`: how long it worked, if that says something about others.
  void server_free(std::optional<Duration> service);
  /// A taken entry waits again, as the next; its arrival time stays. With kLifo it is the next when
  /// nobody has come since.
  void put_back(Entry& entry);
  /// The client of a waiting or taken entry has left: what it teaches. The entry stays where it is.
  void left(Entry& entry, TimePoint now);
  /// Its client left or its wait ran out. Only when waiting, or handed over and taken back.
  void withdraw(Entry& entry);

  /// An entry whose time is over at `now`, that is its own deadline or the maximum wait. If it was
  /// handed over: try to take it back; who is running already goes to running().
  [[nodiscard]] Entry* expired(TimePoint now) const;
  /// When expired() may next return something. What was learned does not end the wait of the only
  /// one that waits.
  [[nodiscard]] std::optional<TimePoint> next_deadline(TimePoint now) const;
  /// The entry that has waited longest.
  [[nodiscard]] Entry* oldest() const;
  /// They are taken in the order of their arrival.
  [[nodiscard]] bool in_order() const;
  /// The waiting entries in the order of arrival, for showing them: first, then next until none.
  [[nodiscard]] const List<Entry, HandedTag>& handed_entries() const { return handed_; }
  [[nodiscard]] const List<Entry, WaitingTag>& waiting_entries() const { return waiting_; }

  [[nodiscard]] const Policy& policy() const { return policy_; }
  /// How long a request may wait now: wait_max, or less where clients leave sooner.
  [[nodiscard]] WaitLimit wait_limit(TimePoint now) const;
  [[nodiscard]] std::size_t servers() const { return servers_; }
  /// Requests that no server works on yet.
  [[nodiscard]] std::size_t length() const;
  [[nodiscard]] std::size_t longest() const { return longest_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  /// Requests taken whose servers are not free yet.
  [[nodiscard]] std::size_t outstanding() const { return outstanding_; }
  [[nodiscard]] std::size_t busy_servers() const;
  [[nodiscard]] Duration mean_service() const { return mean_service_; }
  /// How long a request that arrives now would wait, if nobody passed it; zero while too little is
  /// known, and with an order in which who comes later is served first. The mean is that of all
  /// requests, whatever their priority.
  [[nodiscard]] Duration predicted_wait(const Arrival& arrival = {}) const;
  /// Whose turn it is, if Policy::turns.
  [[nodiscard]] const std::optional<Turns>& turns() const { return turns_; }
  /// Whole seconds until the queue has drained, jittered by a quarter, within 1..120: so that the
  /// refused do not all return at once.
  [[nodiscard]] unsigned retry_after();

 private:
  /// Requests kept at the servers' door beside the running ones, per server: about a millisecond of
  /// work and at least one, so that a server which finishes finds its next request already there.
  /// None where the order matters and the work is long.
  [[nodiscard]] std::size_t top_up() const;
  [[nodiscard]] bool newest_first(TimePoint now) const;
  [[nodiscard]] Entry* next(TimePoint now) const;
  void release(Entry& entry);
  void keep_deadline(Entry& entry);
  void forget_deadline(Entry& entry);
  [[nodiscard]] TimePoint wait_ends(const Entry& entry, TimePoint now) const;

  Policy policy_;
  std::optional<Turns> turns_;
  List<Entry, HandedTag> handed_;
  List<Entry, WaitingTag> waiting_;
  std::set<std::pair<TimePoint, Entry*>> deadlines_;
  std::size_t waiting_count_ = 0;
  std::size_t outstanding_ = 0;
  std::size_t longest_ = 0;
  std::size_t servers_ = 0;
  std::uint64_t bytes_ = 0;
  Duration mean_service_{0};
  std::uint64_t samples_ = 0;
  Patience patience_;
  std::minstd_rand random_;
};

inline constexpr std::size_t kTopUpMax = 8;

}  // namespace forebay::queue
