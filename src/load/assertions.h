#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "load/figures.h"

namespace forebay::load {

/// Something that figures say, by name:
///
///   min, mean, max, p50, p99.9, ...                of the latency
///   lag.p99, service.mean, first_byte.max, ...     of a part of it
///   rate, throughput                               per second
///   success                                        share
///   requests                                       count
///   errors, error.timeout, status.503, status.5xx, censored    count, or share of the requests
struct Metric {
  enum class Unit : std::uint8_t { kTime, kRate, kShare, kCount, kPart };

  std::string name;
  Unit unit = Unit::kTime;
  /// Nanoseconds, per second, 0 to 1, or a count; nothing if there was nothing to measure.
  std::function<std::optional<double>(const Figures&)> measure;
};

/// Errors: no such metric, and which there are.
Result<Metric> parse_metric(std::string_view name);

/// What figures must be: "p99<250ms,success>=99.9%,status.503<1%".
class Assertions {
 public:
  /// Metrics, <, <=, >, >=, = or !=, and a value in the unit of the metric; with commas between
  /// them. "p99.change<10%" is about the change from one run to another. Errors: which word makes
  /// no sense, and what would.
  static Result<Assertions> parse(std::string_view text);

  /// A line for each that does not hold: "p99<250ms: p99 is 312.4ms". What was not measured does
  /// not hold. `before`: the run to compare with, or null.
  [[nodiscard]] std::vector<std::string> failed(const Figures& figures,
                                                const Figures* before = nullptr) const;
  [[nodiscard]] bool empty() const { return all_.empty(); }
  /// Whether one of them is about a change.
  [[nodiscard]] bool compare() const;

 private:
  enum class Operator : std::uint8_t { kBelow, kAtMost, kAbove, kAtLeast, kIs, kIsNot };
  struct Assertion {
    std::string text;
    Metric metric;
    Operator compare = Operator::kBelow;
    double value = 0;
    bool part = false;    // of the requests, not a count
    bool change = false;  // from the run before, relative to it
  };

  static Result<Assertion> parse_one(std::string_view text);
  static Result<void> parse_value(std::string_view text, Assertion& assertion);
  static std::optional<double> measured(const Assertion& assertion, const Figures& figures,
                                        const Figures* before);
  static bool holds(const Assertion& assertion, double value);
  static std::string shown(const Assertion& assertion, double value);

  std::vector<Assertion> all_;
};

}  // namespace forebay::load
