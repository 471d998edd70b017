#include "load/assertions.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "base/text.h"
#include "load/go_format.h"
#include "load/rate.h"

namespace forebay::load {
namespace {

constexpr std::string_view kChange = ".change";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\n");
  return first == std::string_view::npos
             ? ""
             : text.substr(first, text.find_last_not_of(" \t\n") + 1 - first);
}

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), value);
  return error == std::errc() && end == text.end() && std::isfinite(value) ? std::optional(value)
                                                                           : std::nullopt;
}

std::optional<double> percent(std::string_view text) {
  const std::optional<double> value =
      text.ends_with('%') ? number(trimmed(text.substr(0, text.size() - 1))) : std::nullopt;
  return value ? std::optional(*value / 100) : std::nullopt;
}

std::optional<double> duration_ns(std::string_view text) {
  const Result<Duration> value = parse_go_duration(text);
  return value ? std::optional(static_cast<double>(value->count())) : std::nullopt;
}

std::optional<double> per_second(std::string_view text) {
  return number(text.ends_with("/s") ? text.substr(0, text.size() - 2) : text);
}

}  // namespace

Result<Assertions> Assertions::parse(std::string_view text) {
  Assertions assertions;
  for (std::string_view rest = text;;) {
    const std::size_t comma = rest.find(',');
    Result<Assertion> one = parse_one(trimmed(rest.substr(0, comma)));
    if (!one) {
      return std::unexpected(one.error());
    }
    assertions.all_.push_back(std::move(*one));
    if (comma == std::string_view::npos) {
      return assertions;
    }
    rest.remove_prefix(comma + 1);
  }
}

Result<Assertions::Assertion> Assertions::parse_one(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, Operator>, 6> kOperators{
      {{"<=", Operator::kAtMost},
       {">=", Operator::kAtLeast},
       {"!=", Operator::kIsNot},
       {"<", Operator::kBelow},
       {">", Operator::kAbove},
       {"=", Operator::kIs}}};
  const std::size_t at = std::min(text.find_first_of("<>=!"), text.size());
  const auto* known = std::ranges::find_if(
      kOperators, [&](const auto& entry) { return text.substr(at).starts_with(entry.first); });
  if (at == 0 || known == kOperators.end()) {
    return fail(
        format("'{}' is no assertion: write a metric, <, <=, >, >=, = or !=, and a value, "
               "as in p99<250ms",
               text));
  }
  Assertion assertion{.text = std::string(text), .metric = {}, .compare = known->second};
  std::string_view name = trimmed(text.substr(0, at));
  if (name.ends_with(kChange)) {
    assertion.change = true;
    name.remove_suffix(kChange.size());
  }
  Result<Metric> metric = parse_metric(name);
  if (!metric) {
    return std::unexpected(metric.error());
  }
  assertion.metric = std::move(*metric);
  const Result<void> value = parse_value(trimmed(text.substr(at + known->first.size())), assertion);
  if (!value) {
    return std::unexpected(value.error());
  }
  return assertion;
}

Result<void> Assertions::parse_value(std::string_view text, Assertion& assertion) {
  std::optional<double> value;
  std::string_view example;
  if (assertion.change) {
    value = percent(text);
    example = "10%";
  } else if (assertion.metric.unit == Metric::Unit::kTime) {
    value = duration_ns(text);
    example = "250ms";
  } else if (assertion.metric.unit == Metric::Unit::kRate) {
    value = per_second(text);
    example = "100 or 100/s";
  } else if (assertion.metric.unit == Metric::Unit::kShare) {
    value = text.ends_with('%') ? percent(text) : number(text);
    example = "99.9%";
  } else if (assertion.metric.unit == Metric::Unit::kPart && text.ends_with('%')) {
    assertion.part = true;
    value = percent(text);
    example = "1%";
  } else {
    value = number(text);
    example = assertion.metric.unit == Metric::Unit::kPart ? "10 or 1%" : "10";
  }
  if (!value) {
    return fail(
        format("'{}' is no value for {}: write it as {}", text, assertion.metric.name, example));
  }
  assertion.value = *value;
  return {};
}

std::vector<std::string> Assertions::failed(const Figures& figures, const Figures* before) const {
  std::vector<std::string> lines;
  for (const Assertion& assertion : all_) {
    const std::optional<double> value = measured(assertion, figures, before);
    const std::string what = assertion.metric.name + (assertion.change ? kChange : "").data();
    if (!value) {
      lines.push_back(format("{}: {} was not measured", assertion.text, what));
    } else if (!holds(assertion, *value)) {
      lines.push_back(format("{}: {} is {}", assertion.text, what, shown(assertion, *value)));
    }
  }
  return lines;
}

bool Assertions::compare() const { return std::ranges::any_of(all_, &Assertion::change); }

std::optional<double> Assertions::measured(const Assertion& assertion, const Figures& figures,
                                           const Figures* before) {
  const std::optional<double> value = assertion.metric.measure(figures);
  if (assertion.change) {
    const std::optional<double> old =
        before == nullptr ? std::nullopt : assertion.metric.measure(*before);
    return value && old && *old != 0 ? std::optional(*value / *old - 1) : std::nullopt;
  }
  if (value && assertion.part) {
    return figures.requests == 0 ? std::nullopt
                                 : std::optional(*value / static_cast<double>(figures.requests));
  }
  return value;
}

bool Assertions::holds(const Assertion& assertion, double value) {
  switch (assertion.compare) {
    case Operator::kBelow:
      return value < assertion.value;
    case Operator::kAtMost:
      return value <= assertion.value;
    case Operator::kAbove:
      return value > assertion.value;
    case Operator::kAtLeast:
      return value >= assertion.value;
    case Operator::kIs:
      return value == assertion.value;
    case Operator::kIsNot:
      return value != assertion.value;
  }
  return false;
}

std::string Assertions::shown(const Assertion& assertion, double value) {
  if (assertion.change) {
    return format("{:+.2f}%", value * 100);
  }
  if (assertion.part || assertion.metric.unit == Metric::Unit::kShare) {
    return format("{:.4g}%", value * 100);
  }
  switch (assertion.metric.unit) {
    case Metric::Unit::kTime:
      return go_duration(Duration(std::llround(value)));
    case Metric::Unit::kRate:
      return format("{:.2f}/s", value);
    default:
      return format("{:.0f}", value);
  }
}

}  // namespace forebay::load
