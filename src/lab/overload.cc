#include <algorithm>

#include "base/text.h"
#include "lab/lab.h"
#include "lab/measure.h"

/// More load than the workers can do, for a while, from clients with little patience: how much of
/// the work is for somebody who still waits?
namespace forebay::lab {
namespace {

constexpr double kUsefulMin = 0.95;       // of what the workers could do
constexpr double kUsefulMinQuick = 0.85;  // short services on a machine that does other things too
constexpr double kLearningPatiences = 3;  // Forebay knows the clients' patience after these

Settings settings_of(const Options& o, double load) {
  Settings settings;
  settings.workers = o.workers.value_or(8);
  settings.service = o.service.value_or(0.2);
  settings.rate = load * o.rate.value_or(settings.workers / settings.service);
  settings.duration = o.duration.value_or(o.quick ? 9 : 30);
  settings.patience = o.quick ? 1 : 2;
  settings.somaxconn = o.somaxconn.value_or(4096);
  settings.backlog = o.backlog.value_or(2048);
  return settings;
}

std::vector<Case> cases_of(const Lab& lab) {
  std::vector<Case> cases;
  for (const double load : {1.5, 3.0}) {
    const Settings settings = settings_of(lab.options, load);
    const Case plan{.scenario = format("{:.0f} % load for {} s, clients leave after {} s",
                                       100 * load, settings.duration, settings.patience),
                    .settings = settings,
                    .seconds = settings.duration + settings.patience,
                    .script = {}};
    const auto all =
        side_by_side(lab, {StackKind::kClassic, StackKind::kHaproxy, StackKind::kForebay}, plan);
    cases.insert(cases.end(), all.begin(), all.end());
  }
  return cases;
}

/// Of what the workers could do, once patience could be learned.
double useful(const Run& run) {
  return useful_capacity(run, kLearningPatiences * run.settings.patience, run.settings.duration);
}

Promise promise_of(const Run& run, double useful_min) {
  Promise promise{.stack = "", .scenario = "", .text = "", .figures = ""};
  promise.figures = format("{:.0f} % of the workers' time", 100 * useful(run));
  promise.kept = true;
  promise.text = "measured, nothing promised";
  if (run.stack == word(StackKind::kForebay)) {
    promise.text = format("work for somebody who waits: at least {:.0f} %", 100 * useful_min);
    promise.keep_in_time(useful(run) >= useful_min, run);
  }
  return promise;
}

}  // namespace

Result<Experiment> overload(const Lab& lab) {
  const double useful_min = lab.options.quick ? kUsefulMinQuick : kUsefulMin;
  auto experiment = make_experiment(lab, cases_of(lab), kAtOnce, [useful_min](const Run& run) {
    return std::optional(promise_of(run, useful_min));
  });
  if (!experiment) {
    return experiment;
  }
  experiment->name = "overload";
  experiment->title = "Overload";
  std::vector<std::string> words;
  for (const Run& run : experiment->runs) {
    if (run.scenario == experiment->runs.back().scenario) {
      words.push_back(format("{} {:.0f} %", run.title, 100 * useful(run)));
    }
  }
  experiment->verdict = format("Of their workers' time, work for somebody who still waited: {}.",
                               fmt::join(words, ", "));
  return experiment;
}

}  // namespace forebay::lab
