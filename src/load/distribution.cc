#include "load/distribution.h"

#include <algorithm>
#include <cmath>

#include "load/saturate.h"

namespace forebay::load {

void Distribution::add(Duration value) {
  if (exact() && values_.size() < exact_max_) {
    values_.push_back(value);
    sorted_ = false;
  } else {
    for (const Duration kept : values_) {
      histogram_.record(kept);
    }
    values_ = {};
    histogram_.record(value);
  }
  min_ = count_ == 0 ? value : std::min(min_, value);
  max_ = count_ == 0 ? value : std::max(max_, value);
  total_ = sum(total_, value);
  ++count_;
  const auto ns = static_cast<double>(value.count());
  const double distance = ns - running_mean_;
  running_mean_ += distance / static_cast<double>(count_);
  squares_ += distance * (ns - running_mean_);
}

Duration Distribution::mean() const {
  if (count_ == 0) {
    return Duration{0};
  }
  return Duration(
      static_cast<std::int64_t>(static_cast<double>(total_.count()) / static_cast<double>(count_)));
}

Duration Distribution::deviation() const {
  return count_ < 2 ? Duration{0}
                    : Duration(std::llround(std::sqrt(squares_ / static_cast<double>(count_ - 1))));
}

Duration Distribution::quantile(double q) const {
  if (count_ == 0) {
    return Duration{0};
  }
  const auto n = static_cast<double>(count_);
  const double place = std::clamp(n * q + 0.5, 1.0, n);
  if (!exact()) {
    return q <= 0 ? min_ : q >= 1 ? max_ : std::clamp(histogram_.at_rank(place), min_, max_);
  }
  sort();
  const double below = std::floor(place);
  const auto index = static_cast<std::size_t>(below) - 1;
  const Duration low = values_[index];
  const Duration high = values_[std::min(index + 1, values_.size() - 1)];
  const Duration apart = difference(high.count(), low.count());
  return sum(low, Duration(std::llround((place - below) * static_cast<double>(apart.count()))));
}

std::uint64_t Distribution::count_up_to(Duration bound) const {
  if (exact()) {
    sort();
    return static_cast<std::uint64_t>(std::ranges::upper_bound(values_, bound) - values_.begin());
  }
  std::uint64_t below = 0;
  histogram_.for_each([&](Duration lowest, Duration width, std::uint64_t count) {
    below += lowest + width / 2 <= bound ? count : 0;
  });
  return below;
}

void Distribution::sort() const {
  if (!sorted_) {
    std::ranges::sort(values_);
    sorted_ = true;
  }
}

}  // namespace forebay::load
