#include <algorithm>
#include <cmath>
#include <iterator>

#include "base/text.h"
#include "load/plot_charts.h"

namespace forebay::load {
namespace {

std::string percent(double part) { return format("{:.4g} %", 100 * part); }

std::string rate_text(double rate) {
  return rate < 1e5 ? format("{:.4g}/s", rate)
                    : count_text(static_cast<std::uint64_t>(rate)) + "/s";
}

std::string text(Duration duration) { return duration_text(to_seconds(duration) * 1000); }

std::vector<Figure> cards(const Attack& attack) {
  const Figures& of = attack.figures;
  const auto at = [&](double q) { return text(of.latency.quantile(q)); };
  return {
      {"requests", count_text(of.requests), "in " + text(of.duration())},
      {"rate", rate_text(of.rate()), rate_text(of.throughput()) + " succeeded"},
      {"success", percent(of.success()), count_text(of.errors()) + " failed"},
      {"p50", at(0.5), "mean " + text(of.latency.mean())},
      {"p90", at(0.9), "p95 " + at(0.95)},
      {"p99", at(0.99), "p99.9 " + at(0.999)},
      {"max", at(1), "all over after " + duration_text(attack.ended_s * 1000)},
  };
}

PageTable comparison(const std::vector<Attack>& attacks) {
  PageTable table{.title = "The attacks",
                  .above = false,
                  .columns = {"", "requests", "rate", "throughput", "success", "mean", "p50", "p90",
                              "p95", "p99", "max"},
                  .rows = {}};
  for (const Attack& attack : attacks) {
    const Figures& of = attack.figures;
    table.rows.push_back({label(attacks, attack, ""), count_text(of.requests), rate_text(of.rate()),
                          rate_text(of.throughput()), percent(of.success()),
                          text(of.latency.mean())});
    for (const double q : {0.5, 0.9, 0.95, 0.99, 1.0}) {
      table.rows.back().push_back(text(of.latency.quantile(q)));
    }
  }
  return table;
}

PageTable ends(const std::vector<Attack>& attacks) {
  PageTable table{.title = "How the hits ended",
                  .above = false,
                  .columns = {"", "hits", "share", "p50", "p90", "p99", "max"},
                  .rows = {}};
  for (const Attack& attack : attacks) {
    for (const Ending& ending : attack.endings) {
      const std::vector<float> latencies = sorted_latencies({&ending, 1});
      std::vector<std::string> row{label(attacks, attack, ending.word),
                                   count_text(ending.hits.size()),
                                   percent(static_cast<double>(ending.hits.size()) /
                                           static_cast<double>(attack.figures.requests))};
      for (const double q : {0.5, 0.9, 0.99, 1.0}) {
        row.push_back(duration_text(quantile(latencies, q)));
      }
      table.rows.push_back(std::move(row));
    }
  }
  return table;
}

}  // namespace

void describe(const std::vector<Attack>& attacks, Page& page) {
  if (attacks.size() == 1) {
    page.figures = cards(attacks.front());
  } else {
    page.tables.push_back(comparison(attacks));
  }
  page.tables.push_back(ends(attacks));
  std::uint64_t count = 0;
  for (const Attack& attack : attacks) {
    count += attack.figures.censored();
  }
  if (count > 0) {
    page.notes.push_back(
        format("{} {} given up before the answer was there. Percentiles above their share are "
               "lower bounds.",
               count_text(count), count == 1 ? "hit was" : "hits were"));
  }
}

std::span<const Ending> successful(const Attack& attack) {
  const auto first_bad = std::ranges::find_if(
      attack.endings, [](const Ending& ending) { return ending.tone != Series::Tone::kGood; });
  return {attack.endings.begin(), first_bad};
}

std::vector<float> sorted_latencies(std::span<const Ending> endings) {
  std::vector<float> latencies;
  for (const Ending& ending : endings) {
    std::ranges::transform(ending.hits, std::back_inserter(latencies),
                           [](const Point& hit) { return static_cast<float>(hit.y); });
  }
  std::ranges::sort(latencies);
  return latencies;
}

double quantile(std::span<const float> sorted, double q) {
  if (sorted.empty()) {
    return 0;
  }
  const auto last = static_cast<double>(sorted.size() - 1);
  const double at = std::clamp((static_cast<double>(sorted.size()) * q) - 0.5, 0.0, last);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(static_cast<double>(sorted[below]), static_cast<double>(sorted[above]),
                   at - std::floor(at));
}

std::string label(const std::vector<Attack>& attacks, const Attack& attack, std::string_view what) {
  if (attacks.size() == 1) {
    return std::string(what);
  }
  const std::string name = attack.name.empty() ? "unnamed" : attack.name;
  return what.empty() ? name : format("{}: {}", name, what);
}

std::string duration_text(double ms) {
  if (ms >= 1000) {
    return format("{:.4g} s", ms / 1000);
  }
  if (ms >= 1) {
    return format("{:.4g} ms", ms);
  }
  return ms > 0 ? format("{:.4g} µs", ms * 1000) : "0 ms";
}

std::string count_text(std::uint64_t count) {
  std::string text = format("{}", count);
  for (std::size_t from_end = 3; from_end < text.size(); from_end += 4) {
    text.insert(text.size() - from_end, 1, ',');
  }
  return text;
}

}  // namespace forebay::load
