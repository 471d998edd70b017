#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <ranges>

#include "base/text.h"
#include "load/assertions.h"

namespace forebay::load {
namespace {

constexpr std::string_view kThereIs =
    "there is: min, mean, max, p50, p99 and the like, also of a part (lag.p99, service.p99), rate, "
    "throughput, success, requests, censored, errors, error.CLASS, status.CODE";

using Statistic = std::function<Duration(const Distribution&)>;
using Unit = Metric::Unit;

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), value);
  return error == std::errc() && end == text.end() && std::isfinite(value) ? std::optional(value)
                                                                           : std::nullopt;
}

/// min, mean, max, or pN with N between 0 and 100; none of these: null.
Statistic statistic(std::string_view name) {
  if (name == "min") {
    return [](const Distribution& values) { return values.min(); };
  }
  if (name == "mean") {
    return [](const Distribution& values) { return values.mean(); };
  }
  if (name == "max") {
    return [](const Distribution& values) { return values.max(); };
  }
  const std::optional<double> percent =
      name.starts_with('p') ? number(name.substr(1)) : std::nullopt;
  if (!percent || *percent <= 0 || *percent >= 100) {
    return nullptr;
  }
  return [q = *percent / 100](const Distribution& values) { return values.quantile(q); };
}

std::optional<double> of(const Distribution& values, const Statistic& statistic) {
  return values.count() == 0 ? std::nullopt
                             : std::optional(static_cast<double>(statistic(values).count()));
}

std::uint64_t with_status(const Figures& figures, std::string_view code) {
  std::uint64_t all = 0;
  for (const auto& [status, group] : figures.statuses) {
    const bool same_class = code.ends_with("xx") && status.size() == 3 && status[0] == code[0];
    all += status == code || same_class ? group.latency.count() : 0;
  }
  return all;
}

Metric counted(std::string_view name, std::function<std::uint64_t(const Figures&)> count) {
  return {.name = std::string(name),
          .unit = Unit::kPart,
          .measure = [count = std::move(count)](const Figures& figures) {
            return static_cast<double>(count(figures));
          }};
}

/// Those without a dot; none of them: nothing.
std::optional<Metric> plain_metric(std::string_view name) {
  const auto metric = [&](Unit unit, auto measure) {
    return Metric{.name = std::string(name), .unit = unit, .measure = measure};
  };
  if (name == "rate") {
    return metric(Unit::kRate, [](const Figures& f) { return f.rate(); });
  }
  if (name == "throughput") {
    return metric(Unit::kRate, [](const Figures& f) { return f.throughput(); });
  }
  if (name == "success") {
    return metric(Unit::kShare, [](const Figures& f) {
      return f.requests > 0 ? std::optional(f.success()) : std::nullopt;
    });
  }
  if (name == "requests") {
    return metric(Unit::kCount, [](const Figures& f) { return static_cast<double>(f.requests); });
  }
  if (name == "errors") {
    return counted(name, [](const Figures& f) { return f.errors(); });
  }
  if (name == "censored") {
    return counted(name, [](const Figures& f) { return f.censored(); });
  }
  return std::nullopt;
}

std::unexpected<Error> unknown(std::string_view name) {
  return fail(format("there is no metric '{}'; {}", name, kThereIs));
}

Result<Metric> error_metric(std::string_view name, std::string_view word) {
  const auto* known = std::ranges::find(kFailureWords, word);
  if (known == kFailureWords.end() || known == kFailureWords.begin()) {
    std::string all;
    for (const std::string_view one : kFailureWords | std::views::drop(1)) {
      all.append(all.empty() ? "" : ", ").append(one);
    }
    return fail(format("there is no class of errors '{}'; there is: {}", word, all));
  }
  const auto index = static_cast<std::size_t>(known - kFailureWords.begin());
  return counted(name, [index](const Figures& f) { return f.failures[index].count; });
}

Result<Metric> status_metric(std::string_view name, std::string_view code) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  const bool one_class = code.size() == 3 && digit(code[0]) && code.ends_with("xx");
  if (!one_class && (code.empty() || code.size() > 3 || !std::ranges::all_of(code, digit))) {
    return fail(format("'{}' is no status; write status.503, or status.5xx for all of them", code));
  }
  return counted(name,
                 [code = std::string(code)](const Figures& f) { return with_status(f, code); });
}

}  // namespace

Result<Metric> parse_metric(std::string_view name) {
  if (auto metric = plain_metric(name)) {
    return *metric;
  }
  if (const Statistic whole = statistic(name)) {
    return Metric{.name = std::string(name),
                  .unit = Unit::kTime,
                  .measure = [whole](const Figures& f) { return of(f.latency, whole); }};
  }
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos) {
    return unknown(name);
  }
  const std::string_view first = name.substr(0, dot);
  const std::string_view second = name.substr(dot + 1);
  if (first == "error") {
    return error_metric(name, second);
  }
  if (first == "status") {
    return status_metric(name, second);
  }
  const auto* phase = std::ranges::find(kPhaseWords, first);
  const Statistic part = statistic(second);
  if (phase == kPhaseWords.end() || !part) {
    return unknown(name);
  }
  const auto index = static_cast<std::size_t>(phase - kPhaseWords.begin());
  return Metric{.name = std::string(name),
                .unit = Unit::kTime,
                .measure = [index, part](const Figures& f) { return of(f.phases[index], part); }};
}

}  // namespace forebay::load
