#include "load/plot.h"

#include <time.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/text.h"

namespace forebay::load {
namespace {

std::string word_of(const Hit& hit) {
  if (hit.failure == Failure::kNone || hit.failure == Failure::kStatus) {
    return hit.code != 0 ? format("{}", hit.code) : "no answer";
  }
  std::string text(word(hit.failure));
  std::ranges::replace(text, '_', ' ');
  return text;
}

Series::Tone tone_of(const Hit& hit) {
  if (hit.success()) {
    return Series::Tone::kGood;
  }
  return hit.censored() ? Series::Tone::kCensored : Series::Tone::kBad;
}

std::string_view other(Series::Tone tone) {
  switch (tone) {
    case Series::Tone::kGood:
      return "other answers";
    case Series::Tone::kCensored:
      return "other hits without an end";
    default:
      return "other errors";
  }
}

/// Of times that a file says, which may be any.
double seconds_between(std::int64_t from_ns, std::int64_t to_ns) {
  const std::uint64_t difference =
      static_cast<std::uint64_t>(to_ns) - static_cast<std::uint64_t>(from_ns);
  return static_cast<double>(static_cast<std::int64_t>(difference)) / 1e9;
}

std::string utc(std::int64_t unix_ns) {
  const time_t seconds = unix_ns / 1'000'000'000;
  tm parts{};
  std::array<char, 64> text{};
  if (::gmtime_r(&seconds, &parts) == nullptr ||
      ::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts) == 0) {
    return "at no time";
  }
  return text.data();
}

}  // namespace

Ending& Plot::ending_of(const Hit& hit) {
  const Series::Tone tone = tone_of(hit);
  std::pair key(hit.attack, word_of(hit));
  auto at = endings_.find(key);
  if (at == endings_.end()) {
    if (endings_.size() >= kEndingsMax) {
      key = {"", std::string(other(tone))};
    }
    at = endings_.try_emplace(key, key.first, key.second, tone, std::vector<Point>{}).first;
  }
  return at->second;
}

void Plot::add(const Hit& hit) {
  if (hits_++ == 0) {
    epoch_ns_ = first_ns_ = hit.intended_ns;
  }
  first_ns_ = std::min(first_ns_, hit.intended_ns);
  const double latency_ms = std::max(0.0, static_cast<double>(hit.latency.count()) / 1e6);
  ending_of(hit).hits.push_back(
      {.x = seconds_between(epoch_ns_, hit.intended_ns), .y = latency_ms});
}

void Plot::add(const Run& run) {
  const std::string name = run.name.empty() ? "" : run.name + ": ";
  for (const std::string& reason : run.invalid) {
    warnings_.push_back(name + "the figures are not to be trusted: " + reason);
  }
  if (!run.ended) {
    warnings_.push_back(name + "the results break off before the attack ended");
  }
  if (run.interrupted) {
    warnings_.push_back(name + format("interrupted after {} hits", count_text(run.released)));
  }
  if (run.closed_loop) {
    notes_.push_back(name +
                     "a closed loop: a slow answer held up the hits after it, and what these would "
                     "have waited is not in the latencies");
  }
  if (!run.schedule.empty()) {
    schedules_.push_back(name + run.schedule);
  }
}

std::string Plot::subtitle() const {
  std::string text = hits_ == 0 ? "" : utc(first_ns_);
  for (const std::string& schedule : schedules_) {
    text.append(text.empty() ? "" : " · ").append(schedule);
  }
  return text;
}

Page Plot::page() && {
  std::map<std::string, Attack> by_name;
  for (auto& [key, ending] : endings_) {
    Attack& attack = by_name[ending.attack];
    attack.name = ending.attack;
    attack.endings.push_back(std::move(ending));
  }
  std::vector<Attack> attacks;
  for (auto& [name, attack] : by_name) {
    prepare(attack);
    attacks.push_back(std::move(attack));
  }

  Page page;
  page.title = options_.title;
  page.subtitle = subtitle();
  page.warnings = std::move(warnings_);
  page.notes = std::move(notes_);
  if (attacks.empty()) {
    page.notes.emplace_back("There are no hits in these results.");
    return page;
  }
  describe(attacks, page);
  page.charts = {latency_chart(attacks, options_.threshold), ends_chart(attacks),
                 percentile_chart(attacks), quantile_chart(attacks)};
  std::erase_if(page.charts, [](const Chart& chart) { return chart.series.empty(); });
  return page;
}

}  // namespace forebay::load
