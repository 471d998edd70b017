#include "load/plot.h"

#include <time.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <string_view>

#include "base/text.h"
#include "load/validity.h"

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

/// The key of what is put together, by its tone.
constexpr int kOther = std::numeric_limits<int>::min();
std::pair<int, Failure> other(Series::Tone tone) {
  return {kOther, Failure{std::to_underlying(tone)}};
}

std::string_view other_word(Series::Tone tone) {
  switch (tone) {
    case Series::Tone::kGood:
      return "other answers";
    case Series::Tone::kCensored:
      return "others given up";
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

Plot::Gathered& Plot::gathered(const Hit& hit) {
  const auto at = std::ranges::find(attacks_, hit.attack, &Gathered::name);
  if (at != attacks_.end()) {
    return *at;
  }
  if (attacks_.size() == kAttacksMax) {
    return attacks_.back();
  }
  const bool last = attacks_.size() + 1 == kAttacksMax;
  attacks_.push_back({.name = last ? "all others" : hit.attack,
                      .epoch_ns = hit.intended_ns,
                      .figures = {},
                      .endings = {}});
  return attacks_.back();
}

void Plot::add(const Hit& hit) {
  Gathered& attack = gathered(hit);
  attack.figures.add(hit);
  const Series::Tone tone = tone_of(hit);
  const bool answered = hit.failure == Failure::kNone || hit.failure == Failure::kStatus;
  std::pair key(answered ? hit.code : 0, hit.failure);
  if (attack.endings.size() >= kEndingsMax && !attack.endings.contains(key)) {
    key = other(tone);
  }
  Ending& ending = attack.endings[key];
  if (ending.hits.empty()) {
    ending.word = key.first == kOther ? other_word(tone) : word_of(hit);
    ending.tone = tone;
  }
  const double latency_ms = std::max(0.0, to_seconds(hit.latency) * 1000);
  ending.hits.push_back({.x = seconds_between(attack.epoch_ns, hit.intended_ns), .y = latency_ms});
}

std::vector<Attack> Plot::take_attacks() {
  std::vector<Attack> attacks;
  for (Gathered& gathered : attacks_) {
    Attack attack;
    attack.name = std::move(gathered.name);
    attack.figures = std::move(gathered.figures);
    for (auto& [key, ending] : gathered.endings) {
      attack.endings.push_back(std::move(ending));
    }
    prepare(attack);
    attacks.push_back(std::move(attack));
  }
  return attacks;
}

/// What the attack said of itself, and whether its figures can be trusted.
void Plot::judge_attack(const Attack& attack, Page& page) const {
  std::vector<Run> runs;
  std::ranges::copy_if(runs_, std::back_inserter(runs),
                       [&](const Run& run) { return run.name == attack.name; });
  const std::string name = attack.name.empty() ? "" : attack.name + ": ";
  const Validity validity = judge(attack.figures, runs, {});
  for (const std::string& reason : validity.reasons) {
    page.warnings.push_back(format("{}not to be trusted: {}", name, reason));
  }
  for (const std::string& note : validity.notes) {
    page.notes.push_back(name + note);
  }
  for (const Run& run : runs) {
    if (!run.schedule.empty()) {
      page.subtitle.append(" · ").append(name).append(run.schedule);
    }
    if (run.closed_loop) {
      page.notes.push_back(name +
                           "a closed loop: a slow answer held up the hits after it, and what "
                           "these would have waited is not in the latencies");
    }
  }
}

Page Plot::page() && {
  const std::vector<Attack> attacks = take_attacks();
  Page page;
  page.title = options_.title;
  if (attacks.empty()) {
    page.notes.emplace_back("There are no hits in these results.");
    return page;
  }
  page.subtitle = utc(attacks.front().figures.earliest_ns);
  for (const Attack& attack : attacks) {
    judge_attack(attack, page);
  }
  describe(attacks, page);
  page.charts = {latency_chart(attacks, options_.threshold), ends_chart(attacks),
                 percentile_chart(attacks), quantile_chart(attacks)};
  std::erase_if(page.charts, [](const Chart& chart) { return chart.series.empty(); });
  return page;
}

}  // namespace forebay::load
