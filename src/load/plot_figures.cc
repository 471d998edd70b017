#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

#include "base/text.h"
#include "load/plot_charts.h"

namespace forebay::load {
namespace {

std::string percent(double part, double whole) { return format("{:.4g} %", 100 * part / whole); }

/// Vegeta's definitions of rate and throughput.
struct Summary {
  explicit Summary(const Attack& attack)
      : latencies(sorted_latencies(attack.endings)),
        successes(0),
        rate(static_cast<double>(attack.hits)),
        mean_ms(std::accumulate(latencies.begin(), latencies.end(), 0.0) / rate) {
    for (const Ending& ending : successful(attack)) {
      successes += static_cast<double>(ending.hits.size());
    }
    throughput = successes;
    if (attack.intended_s > 0) {
      rate /= attack.intended_s;
      throughput /= attack.ended_s;
    }
  }
  [[nodiscard]] std::string at(double q) const { return duration_text(quantile(latencies, q)); }

  std::vector<float> latencies;
  double successes;
  double rate;
  double throughput = 0;
  double mean_ms;
};

std::string rate_text(double rate) {
  return rate < 1e5 ? format("{:.4g}/s", rate)
                    : count_text(static_cast<std::uint64_t>(rate)) + "/s";
}

std::vector<Figure> figures(const Attack& attack) {
  const Summary of(attack);
  return {
      {"requests", count_text(attack.hits), "in " + duration_text(attack.intended_s * 1000)},
      {"rate", rate_text(of.rate), rate_text(of.throughput) + " succeeded"},
      {"success", percent(of.successes, static_cast<double>(attack.hits)),
       format("{} failed", count_text(attack.hits - static_cast<std::uint64_t>(of.successes)))},
      {"p50", of.at(0.5), "mean " + duration_text(of.mean_ms)},
      {"p90", of.at(0.9), ""},
      {"p99", of.at(0.99), ""},
      {"max", of.at(1), "all over after " + duration_text(attack.ended_s * 1000)},
  };
}

Table comparison(const std::vector<Attack>& attacks) {
  Table table{.title = "The attacks",
              .columns = {"", "requests", "rate", "throughput", "success", "mean", "p50", "p90",
                          "p95", "p99", "max"},
              .rows = {}};
  for (const Attack& attack : attacks) {
    const Summary of(attack);
    table.rows.push_back(
        {attack.name, count_text(attack.hits), rate_text(of.rate), rate_text(of.throughput),
         percent(of.successes, static_cast<double>(attack.hits)), duration_text(of.mean_ms),
         of.at(0.5), of.at(0.9), of.at(0.95), of.at(0.99), of.at(1)});
  }
  return table;
}

Table ends(const std::vector<Attack>& attacks) {
  Table table{.title = "How the hits ended",
              .columns = {"", "hits", "share", "p50", "p90", "p99", "max"},
              .rows = {}};
  for (const Attack& attack : attacks) {
    for (const Ending& ending : attack.endings) {
      const std::vector<float> latencies = sorted_latencies({&ending, 1});
      std::vector<std::string> row{
          label(attacks, attack, ending.word), count_text(ending.hits.size()),
          percent(static_cast<double>(ending.hits.size()), static_cast<double>(attack.hits))};
      for (const double q : {0.5, 0.9, 0.99, 1.0}) {
        row.push_back(duration_text(quantile(latencies, q)));
      }
      table.rows.push_back(std::move(row));
    }
  }
  return table;
}

std::uint64_t censored(const std::vector<Attack>& attacks) {
  std::uint64_t count = 0;
  for (const Attack& attack : attacks) {
    for (const Ending& ending : attack.endings) {
      count += ending.tone == Series::Tone::kCensored ? ending.hits.size() : 0;
    }
  }
  return count;
}

}  // namespace

void describe(const std::vector<Attack>& attacks, Page& page) {
  if (attacks.size() == 1) {
    page.figures = figures(attacks.front());
  } else {
    page.tables.push_back(comparison(attacks));
  }
  page.tables.push_back(ends(attacks));
  if (const std::uint64_t count = censored(attacks); count > 0) {
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
  return format("{}: {}", attack.name.empty() ? "unnamed" : attack.name, what);
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
