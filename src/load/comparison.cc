#include "load/comparison.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>
#include <utility>

#include "base/json.h"
#include "base/text.h"
#include "load/go_format.h"
#include "load/intervals.h"
#include "load/table.h"

namespace forebay::load {
namespace {

using Unit = Difference::Unit;

/// Wilson 1927, of 95 %.
std::pair<double, double> share_interval(double part, double whole) {
  constexpr double kZ = 1.959964;
  const double p = part / whole;
  const double middle = p + (kZ * kZ / (2 * whole));
  const double half = kZ * std::sqrt((p * (1 - p) / whole) + (kZ * kZ / (4 * whole * whole)));
  const double scale = 1 + (kZ * kZ / whole);
  return {(middle - half) / scale, (middle + half) / scale};
}

Difference success(const Figures& before, const Figures& after) {
  Difference of{.figure = "success",
                .unit = Unit::kShare,
                .before = before.success(),
                .after = after.success(),
                .low = {},
                .high = {},
                .judged = before.requests > 0 && after.requests > 0};
  if (of.judged) {
    const auto parts = [](const Figures& figures) {
      return share_interval(static_cast<double>(figures.successes),
                            static_cast<double>(figures.requests));
    };
    const auto [before_low, before_high] = parts(before);
    const auto [after_low, after_high] = parts(after);
    const double change = of.after - of.before;
    of.low = change - std::hypot(of.after - after_low, before_high - of.before);
    of.high = change + std::hypot(after_high - of.after, of.before - before_low);
  }
  return of;
}

std::string text_of(Unit unit, double value) {
  switch (unit) {
    case Unit::kCount:
      return format("{:.0f}", value);
    case Unit::kRate:
      return format("{:.2f}/s", value);
    case Unit::kShare:
      return format("{:.2f}%", 100 * value);
    case Unit::kTime:
      return go_rounded(Duration(std::llround(value)));
  }
  std::unreachable();
}

std::string change_text(Unit unit, std::optional<double> value) {
  if (!value) {
    return "?";
  }
  return (*value < 0 ? "-" : "+") + text_of(unit, std::abs(*value));
}

std::string verdict(const Difference& of) {
  if (!of.judged) {
    return "";
  }
  if (!of.shown()) {
    return "no difference shown";
  }
  return of.low && *of.low > 0 ? "higher" : "lower";
}

std::string warnings(const Side& side) {
  std::string text;
  for (const std::string& reason : side.validity.reasons) {
    text += format("INVALID: {}: {}\n", side.name, reason);
  }
  for (const std::string& note : side.validity.notes) {
    text += format("Note: {}: {}\n", side.name, note);
  }
  return text;
}

Json side_json(const Side& side) {
  return {{"name", side.name},
          {"verdict", !side.validity.valid() ? "invalid"
                      : side.validity.known  ? "valid"
                                             : "unknown"},
          {"reasons", side.validity.reasons},
          {"notes", side.validity.notes}};
}

std::string_view unit_word(Unit unit) {
  constexpr std::array<std::string_view, 4> kWords{"count", "per_second", "share", "ns"};
  return kWords[static_cast<std::size_t>(unit)];
}

}  // namespace

std::vector<Difference> compare(const Figures& before, const Figures& after) {
  const auto plain = [](std::string_view figure, Unit unit, double old, double now) {
    return Difference{
        .figure = figure, .unit = unit, .before = old, .after = now, .low = {}, .high = {}};
  };
  std::vector<Difference> all{
      plain("requests", Unit::kCount, static_cast<double>(before.requests),
            static_cast<double>(after.requests)),
      plain("rate", Unit::kRate, before.rate(), after.rate()),
      plain("throughput", Unit::kRate, before.throughput(), after.throughput()),
      success(before, after),
      plain("mean", Unit::kTime, static_cast<double>(before.latency.mean().count()),
            static_cast<double>(after.latency.mean().count()))};
  const Resamples drawn_before(before, 1);
  const Resamples drawn_after(after, 2);  // another seed: the two have nothing in common
  const auto n = static_cast<double>(std::min(before.requests, after.requests));
  for (std::size_t i = 0; i < kQuantiles.size(); ++i) {
    const auto at = [&](const Figures& figures) {
      return static_cast<double>(figures.latency.quantile(kQuantiles[i]).count());
    };
    Difference of = plain(kQuantileWords[i], Unit::kTime, at(before), at(after));
    std::vector<double> drawn;
    for (std::size_t j = 0; j < Resamples::kCount; ++j) {
      drawn.push_back(drawn_after.of(i)[j] - drawn_before.of(i)[j]);
    }
    // Where one run does not know an end of its own interval, the difference has neither.
    of.judged = n * std::min(kQuantiles[i], 1 - kQuantiles[i]) >= kBeyondMin * (1 - 1e-9);
    if (of.judged) {
      std::tie(of.low, of.high) = middle_of(std::move(drawn));
    }
    all.push_back(of);
  }
  return all;
}

std::string comparison_text(const Side& before, const Side& after) {
  Table table;
  table.add({"Figure", "before", "after", "difference", "95 % interval", "verdict"});
  for (const Difference& of : compare(before.figures, after.figures)) {
    const bool time = of.unit == Unit::kTime;
    const std::string interval =
        of.judged ? format("{} to {}", change_text(of.unit, of.low), change_text(of.unit, of.high))
                  : (time && of.figure != "mean" ? "too few hits" : "");
    table.add({std::string(of.figure), text_of(of.unit, of.before), text_of(of.unit, of.after),
               change_text(of.unit, of.after - of.before), interval, verdict(of)});
  }
  return format("Before  {}\nAfter   {}\n\n{}", before.name, after.name, table.text()) +
         warnings(before) + warnings(after);
}

std::string comparison_json(const Side& before, const Side& after) {
  Json differences = Json::object();
  for (const Difference& of : compare(before.figures, after.figures)) {
    Json& entry = differences[std::string(of.figure)];
    entry = {{"unit", unit_word(of.unit)},
             {"before", of.before},
             {"after", of.after},
             {"difference", of.after - of.before}};
    if (of.judged) {
      entry["interval"] = {*of.low, *of.high};
      entry["shown"] = of.shown();
    }
  }
  const Json page{{"schema_version", 1},
                  {"before", side_json(before)},
                  {"after", side_json(after)},
                  {"differences", differences}};
  return dump(page) + "\n";
}

}  // namespace forebay::load
