#include "queue/patience.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>

namespace forebay::queue {
namespace {

/// The share of clients that may be lost to waiting.
constexpr double kLost = 0.1;
/// Departures within the memory before anything is believed, and before it is corrected.
constexpr std::ptrdiff_t kDeparturesFirst = 25;
constexpr std::ptrdiff_t kDeparturesAgain = 5;
/// What is older tells of other clients.
constexpr std::chrono::seconds kMemory{300};
/// While nobody contradicts, the estimate doubles in this time.
constexpr std::chrono::seconds kDoubling{300};
constexpr double kDoublingsMax = 20;
/// Sorting the outcomes is not for every departure.
constexpr std::chrono::milliseconds kLookEvery{50};

}  // namespace

void Patience::record(Duration age, bool left, TimePoint now) {
  outcomes_[next_] = {now, age, left};
  next_ = (next_ + 1) % kOutcomes;
  if (left && now - looked_at_ >= kLookEvery) {
    looked_at_ = now;
    learn(now);
  }
}

void Patience::learn(TimePoint now) {
  std::array<Outcome, kOutcomes> sorted{};
  const auto end = std::ranges::copy_if(outcomes_, sorted.begin(), [now](const Outcome& outcome) {
                     return outcome.at != TimePoint{} && now - outcome.at <= kMemory;
                   }).out;
  const auto departures = std::count_if(sorted.begin(), end, std::mem_fn(&Outcome::left));
  if (departures < (learned_ ? kDeparturesAgain : kDeparturesFirst)) {
    return;
  }
  std::sort(sorted.begin(), end, [](const Outcome& a, const Outcome& b) { return a.age < b.age; });
  double staying = 1;
  for (auto outcome = sorted.begin(); outcome != end; ++outcome) {
    if (outcome->left) {
      staying *= 1 - 1 / static_cast<double>(end - outcome);
    }
    if (staying <= 1 - kLost) {
      learned_ = outcome->age;
      learned_at_ = now;
      return;
    }
  }
}

std::optional<Duration> Patience::estimate(TimePoint now) const {
  if (!learned_) {
    return std::nullopt;
  }
  const double doublings = to_seconds(now - learned_at_) / to_seconds(kDoubling);
  return from_seconds(to_seconds(*learned_) * std::exp2(std::min(doublings, kDoublingsMax)));
}

}  // namespace forebay::queue
