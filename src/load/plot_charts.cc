#include "load/plot_charts.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <limits>
#include <span>
#include <tuple>

#include "base/text.h"

namespace forebay::load {
namespace {

constexpr std::size_t kStretchesMax = 240;  // of time, in a chart that counts
constexpr double kStretchMin = 0.1;         // seconds
constexpr double kHitsPerStretch = 100;     // at least, on average, where percentiles are shown
constexpr double kQuantilesPerDecade = 40;  // places on the axis of nines
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// The shortest of 0.1, 0.2, 0.5, 1, 2, 5 ... seconds of which few enough make the whole.
double stretch_for(double whole_s, double least_s = kStretchMin) {
  double stretch = kStretchMin;
  for (std::size_t i = 0;
       stretch < least_s || whole_s / stretch > static_cast<double>(kStretchesMax); ++i) {
    stretch *= i % 3 == 1 ? 2.5 : 2;
  }
  return stretch;
}

std::size_t place(double at_s, double stretch_s, std::size_t count) {
  const double index = std::clamp(at_s / stretch_s, 0.0, static_cast<double>(count - 1));
  return static_cast<std::size_t>(index);
}

std::size_t stretches(double whole_s, double stretch_s) {
  return std::max(std::size_t{1}, static_cast<std::size_t>(std::ceil(whole_s / stretch_s)));
}

double longest(const std::vector<Attack>& attacks, double Attack::* time) {
  return (*std::ranges::max_element(attacks, {}, time)).*time;
}

Series line(std::string name, std::string hue, bool dashed) {
  Series series;
  series.name = std::move(name);
  series.hue = std::move(hue);
  series.dashed = dashed;
  return series;
}

/// How many hits ended in each stretch, per second.
std::vector<Point> ends_per_second(const std::vector<Point>& hits, double stretch_s,
                                   std::size_t count) {
  std::vector<Point> points(count);
  for (std::size_t i = 0; i < count; ++i) {
    points[i].x = static_cast<double>(i) * stretch_s;
  }
  for (const Point& hit : hits) {
    points[place(hit.x + (hit.y / 1000), stretch_s, count)].y += 1 / stretch_s;
  }
  return points;
}

/// Hits that were due but not over, at the beginning of each stretch and at the end of the last.
std::vector<Point> in_flight(const Attack& attack, double stretch_s, std::size_t count) {
  std::vector<double> change(count + 1);
  for (const Ending& ending : attack.endings) {
    for (const Point& hit : ending.hits) {
      change[place(hit.x, stretch_s, count) + 1] += 1;
      change[place(hit.x + (hit.y / 1000), stretch_s, count) + 1] -= 1;
    }
  }
  std::vector<Point> points;
  double now = 0;
  for (std::size_t i = 0; i <= count; ++i) {
    now += change[i];
    points.push_back({.x = static_cast<double>(i) * stretch_s, .y = now});
  }
  return points;
}

/// A latency and the stretch of time that it belongs to.
struct Timed {
  std::uint32_t stretch;
  float ms;
};

std::vector<Timed> by_stretch(const Attack& attack, double stretch_s, std::size_t count) {
  std::vector<Timed> all;
  all.reserve(attack.figures.requests);
  for (const Ending& ending : attack.endings) {
    for (const Point& hit : ending.hits) {
      all.push_back({.stretch = static_cast<std::uint32_t>(place(hit.x, stretch_s, count)),
                     .ms = static_cast<float>(hit.y)});
    }
  }
  std::ranges::sort(all, {}, [](const Timed& t) { return std::tuple(t.stretch, t.ms); });
  return all;
}

struct Percentile {
  std::string_view name;
  double q;
};
constexpr std::array<Percentile, 4> kPercentiles{
    {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"max", 1}}};
constexpr std::array<Percentile, 2> kFewPercentiles{kPercentiles[0], kPercentiles[2]};

/// A line for each percentile, with gaps where there are no hits. One attack has a colour for each;
/// of several, each attack has a colour.
std::vector<Series> percentile_lines(const std::vector<Attack>& attacks, const Attack& attack,
                                     double stretch_s, std::size_t count) {
  const bool single = attacks.size() == 1;
  const auto percentiles = single ? std::span<const Percentile>(kPercentiles) : kFewPercentiles;
  std::vector<Series> lines;
  for (const Percentile& percentile : percentiles) {
    const bool dashed = percentile.q == (single ? 1 : 0.99);
    lines.push_back(line(label(attacks, attack, percentile.name), "attack " + attack.name, dashed));
    if (single) {
      lines.back().hue.clear();
    }
  }
  const std::vector<Timed> all = by_stretch(attack, stretch_s, count);
  std::vector<float> latencies;
  auto next = all.begin();
  for (std::uint32_t i = 0; i < count; ++i) {
    latencies.clear();
    for (; next != all.end() && next->stretch == i; ++next) {
      latencies.push_back(next->ms);
    }
    const double middle = (i + 0.5) * stretch_s;
    for (std::size_t p = 0; p < lines.size(); ++p) {
      const double y = latencies.empty() ? kNan : quantile(latencies, percentiles[p].q);
      lines[p].points.push_back({.x = middle, .y = y});
    }
  }
  return lines;
}

/// From the fastest hit to the slowest, on the axis of nines.
std::vector<Point> quantile_curve(const std::vector<float>& sorted) {
  std::vector<Point> points;
  const auto last = static_cast<double>(sorted.size());
  const double step = std::pow(10.0, 1 / kQuantilesPerDecade);
  for (double x = 1; x < last; x *= step) {
    points.push_back({.x = x, .y = quantile(sorted, 1 - (1 / x))});
  }
  points.push_back({.x = last, .y = sorted.back()});
  return points;
}

}  // namespace

void prepare(Attack& attack) {
  std::ranges::sort(attack.endings, [](const Ending& a, const Ending& b) {
    return std::tuple(a.tone, b.hits.size(), std::string_view(a.word)) <
           std::tuple(b.tone, a.hits.size(), std::string_view(b.word));
  });
  double first = std::numeric_limits<double>::infinity();
  for (Ending& ending : attack.endings) {
    std::ranges::sort(ending.hits, {}, [](const Point& hit) { return std::pair(hit.x, hit.y); });
    first = std::min(first, ending.hits.front().x);
  }
  for (Ending& ending : attack.endings) {
    for (Point& hit : ending.hits) {
      hit.x -= first;
      attack.ended_s = std::max(attack.ended_s, hit.x + (hit.y / 1000));
    }
    attack.intended_s = std::max(attack.intended_s, ending.hits.back().x);
  }
}

Chart latency_chart(const std::vector<Attack>& attacks, std::size_t threshold) {
  Chart chart;
  chart.title = "Latency";
  chart.y_unit = "ms";
  chart.log_y = true;
  std::uint64_t hits = 0;
  std::uint64_t shown = 0;
  for (const Attack& attack : attacks) {
    for (const Ending& ending : attack.endings) {
      hits += ending.hits.size();
      Series series{.name = label(attacks, attack, ending.word),
                    .hue = "",
                    .tone = ending.tone,
                    .look = Series::Look::kDots,
                    .points = downsample(ending.hits, threshold)};
      shown += series.points.size();
      chart.series.push_back(std::move(series));
    }
  }
  chart.note =
      "Each mark is a hit, at the moment when it was due. Dots are answers, crosses errors, "
      "arrows hits that were given up: their true latency is longer. ";
  chart.note += shown == hits ? format("All {} hits are shown.", count_text(hits))
                              : format(
                                    "{} of {} hits are shown; the slowest of each stretch of time "
                                    "is always among them.",
                                    count_text(shown), count_text(hits));
  return chart;
}

Chart ends_chart(const std::vector<Attack>& attacks) {
  Chart chart;
  const double whole = longest(attacks, &Attack::ended_s);
  const double stretch = stretch_for(whole);
  const std::size_t count = stretches(whole, stretch);
  const bool single = attacks.size() == 1;
  chart.title = "What became of the hits";
  chart.y_unit = "per second";
  chart.bar_width = single ? stretch : 0;
  chart.note =
      format("Answers and errors per second, counted over {:g} s when they ended.", stretch);
  for (const Attack& attack : attacks) {
    for (const Ending& ending : attack.endings) {
      chart.series.push_back({.name = label(attacks, attack, ending.word),
                              .hue = "",
                              .tone = ending.tone,
                              .look = single ? Series::Look::kBars : Series::Look::kLine,
                              .points = ends_per_second(ending.hits, stretch, count)});
    }
  }
  if (single) {
    chart.note += " The line: hits that were due and not over (right axis).";
    chart.right_unit = "in flight";
    Series series = line("in flight", "", false);
    series.right = true;
    series.points = in_flight(attacks.front(), stretch, count);
    chart.series.push_back(std::move(series));
  }
  return chart;
}

Chart percentile_chart(const std::vector<Attack>& attacks) {
  Chart chart;
  const double whole = longest(attacks, &Attack::intended_s);
  std::uint64_t hits = 0;
  for (const Attack& attack : attacks) {
    hits = std::max(hits, attack.figures.requests);
  }
  const double stretch = stretch_for(whole, whole * kHitsPerStretch / static_cast<double>(hits));
  const std::size_t count = stretches(whole, stretch);
  if (count < 3) {
    return chart;  // the distribution says as much
  }
  chart.title = "Percentiles over time";
  chart.y_unit = "ms";
  chart.log_y = true;
  chart.note = format("Latency of all hits that were due within the same {:g} s.", stretch);
  for (const Attack& attack : attacks) {
    std::vector<Series> lines = percentile_lines(attacks, attack, stretch, count);
    std::ranges::move(lines, std::back_inserter(chart.series));
  }
  return chart;
}

Chart quantile_chart(const std::vector<Attack>& attacks) {
  Chart chart;
  chart.title = "Distribution of latency";
  chart.x = Chart::X::kQuantiles;
  chart.y_unit = "ms";
  chart.log_y = true;
  chart.note =
      "The share of hits that took no longer. From left to right each nine takes the same room.";
  for (const Attack& attack : attacks) {
    const std::vector<float> all = sorted_latencies(attack.endings);
    const std::vector<float> answers = sorted_latencies(successful(attack));
    if (all.size() < 2) {
      continue;
    }
    chart.series.push_back(
        line(label(attacks, attack, "all hits"), "attack " + attack.name, false));
    chart.series.back().points = quantile_curve(all);
    if (!answers.empty() && answers.size() < all.size()) {
      chart.series.push_back(
          line(label(attacks, attack, "successes"), "attack " + attack.name, true));
      chart.series.back().points = quantile_curve(answers);
    }
  }
  return chart;
}

}  // namespace forebay::load
