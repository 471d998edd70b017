#include "base/text.h"
#include "lab/lab.h"
#include "lab/measure.h"

/// Clients that ask and leave, as browsers do whose user presses reload: who runs what nobody waits
/// for?
namespace forebay::lab {
namespace {

constexpr double kRequestsPerWorker = 12.5;

Settings settings_of(const Options& o) {
  Settings settings;
  settings.workers = o.workers.value_or(8);
  settings.service = o.service.value_or(o.quick ? 0.6 : 2);
  settings.duration = o.duration.value_or(o.quick ? 0.1 : 0.5);
  settings.rate = o.rate.value_or(kRequestsPerWorker * settings.workers / settings.duration);
  settings.patience = settings.service / 2;  // all leave before the first is done
  settings.somaxconn = o.somaxconn.value_or(4096);
  settings.backlog = o.backlog.value_or(2048);
  return settings;
}

Result<Run> send_and_settle(Stack& stack, const Programs& programs, const Tell& tell) {
  return drive(stack, programs, {.arrivals = "", .meanwhile = {}, .settle = true}, tell);
}

/// gunicorn's workers run all that was queued; Forebay's only what they had begun.
std::optional<Promise> promise_of(const Run& run) {
  const bool forebay = run.stack == word(StackKind::kForebay);
  const std::uint64_t most = run.settings.workers;
  Promise promise;
  promise.figures = format("{} of {} run for nobody", in_vain(run), run.requests);
  promise.text = forebay ? format("no more is run than {} workers had begun", most)
                         : "as reckoned: all are run";
  promise.kept = forebay ? in_vain(run) <= most : in_vain(run) == run.requests;
  return promise;
}

}  // namespace

Result<Experiment> abandoned(const Lab& lab) {
  const Settings settings = settings_of(lab.options);
  const double requests = static_cast<double>(settings.requests());
  const Case plan{
      .scenario = format("{:.0f} clients that leave after {} s", requests, settings.patience),
      .settings = settings,
      .seconds = settings.service * requests / settings.workers,
      .script = send_and_settle};
  auto experiment =
      make_experiment(lab, side_by_side(lab, {StackKind::kClassic, StackKind::kForebay}, plan),
                      kAtOnce, promise_of);
  if (!experiment) {
    return experiment;
  }
  experiment->name = "abandoned";
  experiment->title = "Clients that leave";
  std::vector<std::string> words;
  for (const Run& run : experiment->runs) {
    words.push_back(format("{} ran {} of {}", run.title, in_vain(run), run.requests));
  }
  experiment->verdict = format("Of requests whose clients had left, {}.", fmt::join(words, ", "));
  return experiment;
}

}  // namespace forebay::lab
