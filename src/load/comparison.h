#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "load/figures.h"
#include "load/validity.h"

namespace forebay::load {

/// One of the two runs that are compared.
struct Side {
  std::string name;  // of its file
  Figures figures;
  std::vector<Run> runs;
  Validity validity;
};

/// A figure of two runs, and by how much the second is above the first.
struct Difference {
  enum class Unit : std::uint8_t { kCount, kRate, kShare, kTime };  // time: ns

  std::string_view figure;
  Unit unit = Unit::kTime;
  double before = 0;
  double after = 0;
  // Of 95 %: an end without a value is not known, see Interval.
  std::optional<double> low;
  std::optional<double> high;
  bool judged = false;  // there can be an interval

  /// The interval lies on one side of 0.
  [[nodiscard]] bool shown() const { return (low && *low > 0) || (high && *high < 0); }
};

/// Quantiles by resampling each run on its own (see Resamples); the share of successes after
/// Newcombe 1998, method 10, from Wilson's intervals of both.
std::vector<Difference> compare(const Figures& before, const Figures& after);

std::string comparison_text(const Side& before, const Side& after);
/// One line; durations are ns.
std::string comparison_json(const Side& before, const Side& after);

}  // namespace forebay::load
