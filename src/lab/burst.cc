#include <algorithm>

#include "base/text.h"
#include "lab/lab.h"
#include "lab/predict.h"

/// The experiment of the seeds: more requests at once than workers and the kernel's queue hold.
namespace forebay::lab {
namespace {

constexpr std::size_t kAtOnceQuick = 1;  // a burst of 0.1 s needs the machine for itself
constexpr std::uint64_t kTolerance = 2;  // a worker may be done a moment early
constexpr double kReadTimeoutFactor =
    5.5;  // of the service time: between two rounds of the workers
constexpr unsigned kLongQueue = 1024;

Settings settings_of(const Options& o) {
  Settings settings;
  settings.workers = o.workers.value_or(8);
  settings.service = o.service.value_or(o.quick ? 0.2 : 2);
  settings.rate = o.rate.value_or(o.quick ? 2000 : 200);
  settings.duration = o.duration.value_or(o.quick ? 0.1 : 1);
  settings.somaxconn = o.somaxconn.value_or(128);
  settings.backlog = o.backlog.value_or(1024);
  settings.max_wait = settings.patience;
  return settings;
}

std::string scenario_of(const Settings& s) {
  return format("{} requests in {} s, somaxconn {}{}", s.requests(), s.duration, s.somaxconn,
                s.tcp ? format(", waits of {} s at most", s.read_timeout) : "");
}

/// Of those that are answered, as long as nobody gives up.
double seconds_of(const Settings& s, std::uint64_t answered) {
  return s.duration + s.service * static_cast<double>((answered + s.workers - 1) / s.workers);
}

std::vector<Settings> scenarios(const Options& options) {
  const Settings burst = settings_of(options);
  Settings calm = burst;
  calm.rate = burst.rate / 20;
  Settings longer = burst;
  longer.somaxconn = std::max(burst.somaxconn, kLongQueue);
  Settings impatient = longer;
  impatient.tcp = true;
  impatient.read_timeout = kReadTimeoutFactor * burst.service;
  impatient.max_wait = impatient.read_timeout;
  if (options.here) {  // there is one net.core.somaxconn
    impatient.somaxconn = burst.somaxconn;
    return {burst, impatient, calm};
  }
  return {burst, longer, impatient, calm};
}

/// Requests that nobody waits for any more are run too, after the last answer.
Result<Run> send_and_settle(Stack& stack, const Programs& programs, const Tell& tell) {
  return drive(stack, programs, {.arrivals = "", .meanwhile = {}, .settle = true}, tell);
}

std::vector<Case> cases_of(const Lab& lab) {
  std::vector<Case> cases;
  for (const Settings& settings : scenarios(lab.options)) {
    const Case plan{.scenario = scenario_of(settings),
                    .settings = settings,
                    .seconds = seconds_of(settings, settings.requests()),
                    .script = send_and_settle};
    const auto both = side_by_side(lab, {StackKind::kClassic, StackKind::kForebay}, plan);
    cases.insert(cases.end(), both.begin(), both.end());
  }
  return cases;
}

std::optional<Promise> promise_of(const Run& run) {
  Promise promise;
  promise.figures = text(run.statuses);
  if (run.stack == word(StackKind::kClassic)) {
    const auto predicted = predict_classic(run.settings);
    promise.text = "as reckoned: " + (predicted ? text(*predicted) : "some come late");
    promise.kept = !predicted || alike(*predicted, run.statuses, kTolerance);
  } else if (run.settings.max_wait < run.settings.patience) {
    promise.text = "who waits too long gets 503; nothing is run in vain";
    promise.figures += format("; {} runs", run.started.size());
    promise.kept = run.ok() + run.count("503") == run.requests && run.started.size() == run.ok();
  } else {
    promise.text = "every request is answered with 200";
    promise.kept = run.ok() == run.requests;
  }
  return promise;
}

std::string verdict_of(const Experiment& experiment, const Lab& lab) {
  const std::string scenario = scenario_of(settings_of(lab.options));
  const Run* classic = find(experiment.runs, StackKind::kClassic, scenario);
  const Run* forebay = find(experiment.runs, StackKind::kForebay, scenario);
  std::vector<std::string> words;
  if (classic != nullptr) {
    words.push_back(format("nginx + gunicorn answered {} of {} requests and refused {} with 502",
                           classic->ok(), classic->requests, classic->count("502")));
  }
  if (forebay != nullptr) {
    words.push_back(
        format("Forebay answered {} of {}{}", forebay->ok(), forebay->requests,
               forebay->ok() == forebay->requests ? ", in the time the work takes" : ""));
  }
  return fmt::format("{}.", fmt::join(words, "; "));
}

}  // namespace

Result<Experiment> burst(const Lab& lab) {
  auto experiment =
      make_experiment(lab, cases_of(lab), lab.options.quick ? kAtOnceQuick : kAtOnce, promise_of);
  if (experiment) {
    experiment->name = "burst";
    experiment->title = "The burst";
    experiment->verdict = verdict_of(*experiment, lab);
  }
  return experiment;
}

}  // namespace forebay::lab
