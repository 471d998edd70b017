#include <signal.h>

#include <algorithm>
#include <memory>
#include <set>

#include "base/text.h"
#include "lab/lab.h"

/// What happens on any day, under a load that the workers can well bear: nobody should notice.
namespace forebay::lab {
namespace {

constexpr double kLoad = 0.5;          // of what the workers can do
constexpr double kKillServices = 1.6;  // service times from kill to kill: no request is hit twice
constexpr unsigned kKills = 8;
constexpr unsigned kReloads = 4;

Settings settings_of(const Options& o, double service) {
  Settings settings;
  settings.workers = o.workers.value_or(8);
  settings.service = o.service.value_or(service);
  settings.rate = o.rate.value_or(kLoad * settings.workers / settings.service);
  settings.somaxconn = o.somaxconn.value_or(4096);
  settings.backlog = o.backlog.value_or(2048);
  return settings;
}

/// Of the request that has begun last and is not done; 0 if none is under way.
pid_t busy_worker(const Stack& stack) {
  const Journal journal = stack.journal();
  std::multiset<int> done;
  for (const auto& entry : journal.finished) {
    done.insert(entry.pid);
  }
  std::multiset<int> begun;
  for (const auto& entry : journal.started) {
    begun.insert(entry.pid);
  }
  for (auto entry = journal.started.rbegin(); entry != journal.started.rend(); ++entry) {
    if (begun.count(entry->pid) > done.count(entry->pid) && ::kill(entry->pid, 0) == 0) {
      return entry->pid;
    }
  }
  return 0;
}

/// Says what it does, `count` times, from `period` to `period`.
template <typename Deed>
auto again_and_again(double period, unsigned count, Deed deed) {
  return [=, done = 0U](Stack& stack, double at) mutable -> std::string {
    if (done >= count || at < period * (done + 1)) {
      return "";
    }
    std::string what = deed(stack);
    done += what.empty() ? 0 : 1;
    return what;
  };
}

std::string kill_a_worker(Stack& stack) {
  const pid_t worker = busy_worker(stack);
  if (worker == 0) {
    return "";
  }
  ::kill(worker, SIGKILL);
  return format("kill -9 of worker {}", worker);
}

std::string tell_to_reload(Stack& stack) {
  stack.server().signal(SIGHUP);
  return "HUP";
}

std::uint64_t failures(const Run& run) { return run.requests - run.ok(); }

std::optional<Promise> none_fails(const Run& run) {
  Promise promise;
  promise.figures = format("{} of {} failed, {} events, slowest {:.2f} s", failures(run),
                           run.requests, run.events.size(), run.longest);
  const bool forebay = run.stack == word(StackKind::kForebay);
  promise.text = forebay ? "no request fails" : "measured, nothing promised";
  promise.kept = !forebay || failures(run) == 0;
  return promise;
}

Result<Experiment> disturb(const Lab& lab, const Case& plan) {
  auto experiment =
      make_experiment(lab, side_by_side(lab, {StackKind::kClassic, StackKind::kForebay}, plan),
                      kAtOnce, none_fails);
  if (!experiment) {
    return experiment;
  }
  std::vector<std::string> words;
  for (const Run& run : experiment->runs) {
    words.push_back(format("{}: {} of {} requests", run.title, failures(run), run.requests));
  }
  experiment->verdict = format("Failed, {}.", fmt::join(words, "; "));
  return experiment;
}

template <typename Deed>
auto script(double period, unsigned count, Deed deed) {
  return [=](Stack& stack, const Programs& programs, const Tell& tell) {
    const Drive how{.arrivals = "", .meanwhile = again_and_again(period, count, deed)};
    return drive(stack, programs, how, tell);
  };
}

}  // namespace

Result<Experiment> worker_crash(const Lab& lab) {
  Settings settings = settings_of(lab.options, lab.options.quick ? 0.4 : 2);
  const double period = kKillServices * settings.service;
  settings.duration = lab.options.duration.value_or(period * (kKills + 2));
  auto experiment = disturb(lab, {.scenario = format("{} busy workers are killed", kKills),
                                  .settings = settings,
                                  .seconds = settings.duration + settings.service,
                                  .script = script(period, kKills, kill_a_worker)});
  if (experiment) {
    experiment->name = "worker-crash";
    experiment->title = "Workers that crash";
  }
  return experiment;
}

Result<Experiment> reload(const Lab& lab) {
  Settings settings = settings_of(lab.options, lab.options.quick ? 0.1 : 0.5);
  settings.duration = lab.options.duration.value_or(lab.options.quick ? 6 : 20);
  const double period = settings.duration / (kReloads + 1);
  auto experiment = disturb(lab, {.scenario = format("{} reloads under load", kReloads),
                                  .settings = settings,
                                  .seconds = settings.duration + settings.service,
                                  .script = script(period, kReloads, tell_to_reload)});
  if (experiment) {
    experiment->name = "reload";
    experiment->title = "Reloads";
  }
  return experiment;
}

}  // namespace forebay::lab
