#include "lab/lab_charts.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "load/downsample.h"

namespace forebay::lab {
namespace {

using load::Chart;
using load::Point;
using load::Series;

constexpr std::size_t kStretchesMax = 120;
constexpr std::size_t kPointsMax = 2000;  // of a series
constexpr std::size_t kEventsMax = 6;     // that are told

std::string ending(const Answer& answer) {
  return answer.status != 0 ? format("{}", answer.status) : answer.error;
}

/// The answers of a run by how they ended: the good first, then by name.
using Endings = std::map<std::pair<Series::Tone, std::string>, std::vector<Point>>;

/// `point`: what a chart shows of an answer.
template <typename MakePoint>
Endings by_ending(const Run& run, MakePoint point) {
  Endings endings;
  for (const Answer& answer : run.answers) {
    const bool good = answer.status >= 200 && answer.status < 300;
    endings[{good ? Series::Tone::kGood : Series::Tone::kBad, ending(answer)}].push_back(
        point(answer));
  }
  return endings;
}

/// How many requests each of the answers that were kept stands for.
double weight(const Run& run) {
  return run.answers.empty()
             ? 1
             : static_cast<double>(run.requests) / static_cast<double>(run.answers.size());
}

Series bars(std::string name, Series::Tone tone, const std::vector<double>& heights,
            Stretches time) {
  Series series{
      .name = std::move(name), .hue = "", .tone = tone, .look = Series::Look::kBars, .points = {}};
  for (std::size_t i = 0; i < heights.size(); ++i) {
    series.points.push_back({.x = static_cast<double>(i) * time.length, .y = heights[i]});
  }
  return series;
}

/// The length of a queue, and its limit where that matters.
void add_queue(const Queue& queue, Stretches time, Chart& chart) {
  Series length{.name = format("queue ({})", queue.name), .hue = "", .right = true, .points = {}};
  for (std::size_t i = 0; i < queue.at.size(); ++i) {
    length.points.push_back({.x = queue.at[i], .y = static_cast<double>(queue.waiting[i])});
  }
  length.points = load::downsample(length.points, kPointsMax);
  chart.series.push_back(std::move(length));
  if (queue.limit > 0 && queue.longest() * 2 > queue.limit) {
    const auto limit = static_cast<double>(queue.limit);
    const double end = time.length * static_cast<double>(time.count);
    chart.series.push_back({.name = "what fits into it",
                            .hue = "",
                            .right = true,
                            .dashed = true,
                            .points = {{.x = 0, .y = limit}, {.x = end, .y = limit}}});
  }
}

/// The queues that matter, as others were never long beside the longest.
std::vector<const Queue*> long_queues(const Run& run) {
  constexpr std::uint64_t kShort = 20;  // times shorter
  std::uint64_t longest = 1;
  for (const Queue& queue : run.queues) {
    longest = std::max(longest, queue.longest());
  }
  std::vector<const Queue*> queues;
  for (const Queue& queue : run.queues) {
    if (queue.longest() * kShort >= longest) {
      queues.push_back(&queue);
    }
  }
  return queues;
}

std::string events_text(const Run& run) {
  std::string text;
  for (std::size_t i = 0; i < std::min(run.events.size(), kEventsMax); ++i) {
    text += format(" At {:.3g} s: {}.", run.events[i].at, run.events[i].what);
  }
  if (run.events.size() > kEventsMax) {
    text += format(" And {} more.", run.events.size() - kEventsMax);
  }
  return text;
}

std::vector<Step> clients_of(const Run& run) {
  std::vector<Step> steps;
  for (const Answer& answer : run.answers) {
    steps.push_back({.at = answer.at, .by = weight(run)});
    steps.push_back({.at = answer.at + answer.latency, .by = -weight(run)});
  }
  return steps;
}

std::vector<Step> running_in(const Run& run) {
  std::vector<Step> steps;
  for (const double at : run.started) {
    steps.push_back({.at = at, .by = 1});
  }
  for (const double at : run.finished) {
    steps.push_back({.at = at, .by = -1});
  }
  return steps;
}

std::vector<Step> waiting_in(const Queue& queue) {
  std::vector<Step> steps;
  double before = 0;
  for (std::size_t i = 0; i < queue.at.size(); ++i) {
    const auto now = static_cast<double>(queue.waiting[i]);
    steps.push_back({.at = queue.at[i], .by = now - before});
    before = now;
  }
  return steps;
}

}  // namespace

Stretches stretches_for(std::span<const Run> runs) {
  double whole = 0;
  for (const Run& run : runs) {
    whole = std::max({whole, run.over, run.settings.duration});
  }
  Stretches time{.length = 0.1, .count = 1};
  for (int i = 0; whole / time.length > static_cast<double>(kStretchesMax); ++i) {
    time.length *= i % 3 == 1 ? 2.5 : 2;
  }
  time.count = std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(whole / time.length)));
  return time;
}

std::vector<double> means(const std::vector<Step>& steps, Stretches time) {
  std::vector<double> now(time.count);     // by steps within the stretch
  std::vector<double> before(time.count);  // change of the level at which it begins
  for (const Step& step : steps) {
    const double place = std::max(0.0, step.at) / time.length;
    const auto index = static_cast<std::size_t>(std::min(place, static_cast<double>(time.count)));
    if (index < time.count) {
      now[index] += step.by * (static_cast<double>(index + 1) - place);
    }
    if (index + 1 < time.count) {
      before[index + 1] += step.by;
    }
  }
  double level = 0;
  for (std::size_t i = 0; i < time.count; ++i) {
    level += before[i];
    now[i] += level;
  }
  return now;
}

Chart answers_chart(const Run& run, Stretches time) {
  Chart chart;
  chart.title = run.title + ": answers and queue";
  chart.note =
      "Answers per second when they came, by status; the line is the queue." + events_text(run);
  chart.half = true;
  chart.y_unit = "answers per second";
  chart.right_unit = "requests that wait";
  chart.bar_width = time.length;
  for (const auto& [key, points] :
       by_ending(run, [](const Answer& a) { return Point{a.at + a.latency, a.latency}; })) {
    std::vector<double> rates(time.count);
    for (const Point& point : points) {
      const double place =
          std::clamp(point.x / time.length, 0.0, static_cast<double>(time.count - 1));
      rates[static_cast<std::size_t>(place)] += weight(run) / time.length;
    }
    chart.series.push_back(bars(key.second, key.first, rates, time));
  }
  for (const Queue* queue : long_queues(run)) {
    add_queue(*queue, time, chart);
  }
  return chart;
}

Chart places_chart(const Run& run, Stretches time) {
  Chart chart;
  chart.title = run.title + ": who waits where";
  chart.note =
      "Where the requests are, on average. What stands above the line of clients is done for "
      "nobody.";
  chart.half = true;
  chart.y_unit = "requests";
  chart.bar_width = time.length;
  const std::vector<double> clients = means(clients_of(run), time);
  std::vector<double> elsewhere = clients;
  const auto add = [&](std::string name, const std::vector<double>& there) {
    std::ranges::transform(elsewhere, there, elsewhere.begin(), std::minus{});
    chart.series.push_back(bars(std::move(name), Series::Tone::kPlain, there, time));
  };
  add("in a worker", means(running_in(run), time));
  for (const Queue* queue : long_queues(run)) {
    add(format("in the queue ({})", queue->name), means(waiting_in(*queue), time));
  }
  std::ranges::for_each(elsewhere, [](double& value) { value = std::max(0.0, value); });
  if (std::ranges::max(elsewhere) >= 1) {
    chart.series.push_back(bars("on its way", Series::Tone::kPlain, elsewhere, time));
  }
  Series line{.name = "clients", .hue = "", .points = {}};
  for (std::size_t i = 0; i < clients.size(); ++i) {
    line.points.push_back({.x = (static_cast<double>(i) + 0.5) * time.length, .y = clients[i]});
  }
  chart.series.push_back(std::move(line));
  return chart;
}

Chart latency_chart(std::span<const Run> runs) {
  Chart chart;
  chart.title = "Latency";
  chart.note =
      "Each mark is a request, at the moment when it was due. Dots are answers with 200, crosses "
      "are errors. Click a name to hide it.";
  chart.y_unit = "ms";
  for (const Run& run : runs) {
    for (auto& [key, points] : by_ending(
             run, [](const Answer& a) { return Point{a.at, std::max(0.0, a.latency) * 1000}; })) {
      chart.series.push_back({.name = format("{}: {}", run.title, key.second),
                              .hue = "",
                              .tone = key.first,
                              .look = Series::Look::kDots,
                              .points = load::downsample(points, kPointsMax)});
    }
  }
  return chart;
}

}  // namespace forebay::lab
