#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "base/text.h"
#include "load/rate.h"
#include "load/report.h"
#include "load/table.h"

namespace forebay::load {
namespace {

constexpr double kBarColumns = 75;
constexpr double kLastFactor = 1e7;  // in place of 1 / (1 - 1)

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  return first == std::string_view::npos
             ? ""
             : text.substr(first, text.find_last_not_of(" \t") + 1 - first);
}

/// Five steps of 0.1, five of each halved size after them, each rounded to six digits, up to
/// 0.999995; then one by one. Two of them are cut instead, as the original's list has it.
std::vector<double> plot_quantiles() {
  std::vector<double> all{0};
  double exact = 0;
  for (int i = 0; all.back() < 0.999995; ++i) {
    exact += 0.1 / static_cast<double>(1U << (i / 5));
    const double rounded = std::floor(exact * 1e6 + 0.5) / 1e6;
    all.push_back(rounded == 0.989063 ? 0.989062 : rounded == 0.998438 ? 0.998437 : rounded);
  }
  all.insert(all.end(), {0.999996, 0.999997, 0.999998, 0.999999, 1});
  return all;
}

}  // namespace

Result<Buckets> parse_buckets(std::string_view text) {
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') {
    return fail(format("bad buckets: {}", text));
  }
  Buckets bounds;
  for (std::string_view rest = text.substr(1, text.size() - 2);;) {
    const std::size_t comma = rest.find(',');
    const Result<Duration> bound = parse_go_duration(trimmed(rest.substr(0, comma)));
    if (!bound) {
      return std::unexpected(bound.error());
    }
    if (bounds.empty() && *bound > Duration{0}) {
      bounds.emplace_back(0);
    }
    bounds.push_back(*bound);
    if (comma == std::string_view::npos) {
      return bounds;
    }
    rest.remove_prefix(comma + 1);
  }
}

void BucketCounts::add(Duration latency) {
  std::size_t i = 0;
  while (i + 1 < bounds_.size() && (latency < bounds_[i] || latency >= bounds_[i + 1])) {
    ++i;
  }
  ++counts_[i];
  ++total_;
}

std::string histogram_report(const BucketCounts& counts) {
  Table table;
  table.add({"Bucket", "", "#", "%", "Histogram"});
  for (std::size_t i = 0; i < counts.bounds().size(); ++i) {
    const bool last = i + 1 == counts.bounds().size();
    const std::uint64_t count = counts.counts()[i];
    const double ratio =
        counts.total() == 0 ? 0 : static_cast<double>(count) / static_cast<double>(counts.total());
    table.add({format("[{},", go_duration(counts.bounds()[i])),
               format("{}]", last ? "+Inf" : go_duration(counts.bounds()[i + 1])),
               format("{}", count), format("{:.2f}%", ratio * 100),
               std::string(static_cast<std::size_t>(ratio * kBarColumns), '#')});
  }
  return table.text();
}

std::string hdrplot_report(const Figures& figures) {
  Table table;
  table.add({"Value(ms)", "Percentile", "TotalCount", "1/(1-Percentile)"});
  for (const double q : plot_quantiles()) {
    const auto value = static_cast<double>(figures.latency.quantile(q).count()) / 1e6;
    const double count = std::floor(q * static_cast<double>(figures.requests) + 0.5);
    table.add({format("{:f}", value), format("{:f}", q), format("{:.0f}", count),
               format("{:f}", q < 1 ? 1 / (1 - q) : kLastFactor)});
  }
  return table.text();
}

}  // namespace forebay::load
