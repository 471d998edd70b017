#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include "base/clock.h"

namespace forebay::queue {

/// Learns from how requests ended how long clients are willing to wait: those who left say it, and
/// those who were answered say that they would have waited for at least so long. From both the time
/// by which a tenth of the clients would have left is estimated as Kaplan and Meier do
/// ("Nonparametric estimation from incomplete observations", 1958), so that a few who leave early
/// among many who stay do not count for much.
///
/// Once waits are kept below what clients bear, nobody leaves any more and there is nothing to
/// learn from. So the estimate grows with time, and clients who leave again bring it down again.
class Patience {
 public:
  /// A request is over, `age` after its arrival; `left`: its client did not wait for the end.
  /// Whom we refused says nothing and is not recorded.
  void record(Duration age, bool left, TimePoint now);

  /// How long clients wait, as far as is known; nothing: they were never seen to leave in numbers.
  [[nodiscard]] std::optional<Duration> estimate(TimePoint now) const;

 private:
  struct Outcome {
    TimePoint at;
    Duration age{0};
    bool left = false;
  };
  static constexpr std::size_t kOutcomes = 512;

  void learn(TimePoint now);

  std::array<Outcome, kOutcomes> outcomes_{};  // the newest, in a ring
  std::size_t next_ = 0;
  TimePoint looked_at_;
  std::optional<Duration> learned_;
  TimePoint learned_at_;
};

}  // namespace forebay::queue
