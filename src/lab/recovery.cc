#include <algorithm>

#include "base/text.h"
#include "lab/lab.h"
#include "lab/measure.h"

/// An overload, then hardly any load: how long is the newcomer kept waiting by those that have
/// left?
namespace forebay::lab {
namespace {

constexpr double kLoad = 3;             // of what the workers can do
constexpr double kAfterwards = 0.2;     // likewise
constexpr double kWellAgainMax = 1;     // seconds, and a service time
constexpr double kWellAgainQuick = 2;   // on a machine that does other things too
constexpr double kPromptServices = 2;   // an answer within so many service times, and a bit
constexpr double kPromptSeconds = 0.1;  // the bit

Settings settings_of(const Options& o) {
  Settings settings;
  settings.workers = o.workers.value_or(8);
  settings.service = o.service.value_or(0.2);
  settings.rate = o.rate.value_or(kLoad * settings.workers / settings.service);
  settings.duration = o.duration.value_or(o.quick ? 4 : 10);  // of the overload alone, at first
  settings.patience = 2;
  settings.somaxconn = o.somaxconn.value_or(4096);
  settings.backlog = o.backlog.value_or(2048);
  return settings;
}

double prompt(const Settings& settings) {
  return kPromptServices * settings.service + kPromptSeconds;
}

/// `overload`: its seconds, which a calm of twice that follows.
Case case_of(const Settings& wanted) {
  const double overload = wanted.duration;
  Case plan;
  plan.scenario = format("{:.0f} requests/s for {} s, then a calm", wanted.rate, overload);
  plan.settings = wanted;
  plan.settings.duration = 3.5 * overload;
  plan.seconds = plan.settings.duration;
  const auto ms = [](double seconds) { return static_cast<std::int64_t>(seconds * 1000); };
  const auto calm = static_cast<unsigned>(kAfterwards * wanted.workers / wanted.service);
  const std::string arrivals = format("steps:{}ms@{:.0f},{}ms@{}", ms(overload), wanted.rate,
                                      ms(2.5 * overload), std::max(2U, calm));
  plan.script = [arrivals](Stack& stack, const Programs& programs, const Tell& tell) {
    return drive(stack, programs, {.arrivals = arrivals, .meanwhile = {}}, tell);
  };
  return plan;
}

std::string words_of(const std::optional<double>& seconds) {
  return seconds ? format("{:.1f} s", *seconds) : "longer than we looked";
}

}  // namespace

Result<Experiment> recovery(const Lab& lab) {
  const Settings settings = settings_of(lab.options);
  const auto again = [&](const Run& run) {
    return well_again(run, settings.duration, prompt(settings));
  };
  const auto judge = [&](const Run& run) {
    Promise promise{.stack = "",
                    .scenario = "",
                    .text = "measured, nothing promised",
                    .figures = words_of(again(run)),
                    .kept = true};
    if (run.stack == word(StackKind::kForebay)) {
      const double most = (lab.options.quick ? kWellAgainQuick : kWellAgainMax) + settings.service;
      promise.text = format("answers are prompt again {:.1f} s after the overload", most);
      promise.keep_in_time(again(run) && *again(run) <= most, run);
    }
    return std::optional(promise);
  };
  auto experiment = make_experiment(
      lab,
      side_by_side(lab, {StackKind::kClassic, StackKind::kHaproxy, StackKind::kForebay},
                   case_of(settings)),
      kAtOnce, judge);
  if (!experiment) {
    return experiment;
  }
  experiment->name = "recovery";
  experiment->title = "After an overload";
  std::vector<std::string> words;
  for (const Run& run : experiment->runs) {
    words.push_back(format("{} {}", run.title, words_of(again(run))));
  }
  experiment->verdict =
      format("After the overload all was well again within: {}.", fmt::join(words, ", "));
  return experiment;
}

}  // namespace forebay::lab
