#include <poll.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "lab/lab.h"
#include "lab/sandbox.h"

namespace forebay::lab {
namespace {

constexpr double kBootSeconds = 2;

std::string name(const Case& plan) { return format("{}, {}", title(plan.kind), plan.scenario); }

Result<Json> make(const Case& plan, const Programs& programs, const std::string& directory,
                  const Tell& tell) {
  tell("starting");
  auto stack = Stack::start(plan.kind, plan.settings, programs, directory);
  if (!stack) {
    return std::unexpected(stack.error());
  }
  auto run = plan.script ? plan.script(*stack, programs, tell) : drive(*stack, programs, {}, tell);
  if (!run) {
    return std::unexpected(run.error());
  }
  run->scenario = plan.scenario;
  return Json(*run);
}

/// Runs that are made at once.
class Crew {
 public:
  Crew(const Lab& lab, const std::vector<Case>& cases, std::size_t at_once)
      : lab_(lab), cases_(cases), at_once_(lab.options.here ? 1 : at_once), runs_(cases.size()) {}

  Result<std::vector<Run>> make_all() {
    lab_.progress.plan(format(
        "{} runs, {}, about {:.0f} s", cases_.size(),
        at_once_ == 1 ? "one after the other" : format("up to {} at a time", at_once_), seconds()));
    while (next_ < cases_.size() || !places_.empty()) {
      if (auto filled = fill(); !filled) {
        return std::unexpected(filled.error());
      }
      if (auto waited = wait(); !waited) {
        return std::unexpected(waited.error());
      }
    }
    return std::move(runs_);
  }

 private:
  struct Place {
    std::size_t index;
    Sandbox sandbox;
    std::string state;
  };

  [[nodiscard]] double seconds() const {
    std::vector<double> free_at(at_once_);
    for (const Case& plan : cases_) {
      *std::ranges::min_element(free_at) += plan.seconds + kBootSeconds;
    }
    return std::ranges::max(free_at);
  }

  Result<void> fill() {
    while (places_.size() < at_once_ && next_ < cases_.size()) {
      const Case& plan = cases_[next_];
      auto sandbox =
          Sandbox::start({.here = lab_.options.here, .somaxconn = plan.settings.somaxconn},
                         [&](const std::string& directory, const Tell& tell) {
                           return make(plan, lab_.programs, directory, tell);
                         });
      if (!sandbox) {
        return std::unexpected(sandbox.error());
      }
      places_.push_back(std::make_unique<Place>(next_, std::move(*sandbox), ""));
      ++next_;
    }
    return {};
  }

  Result<void> wait() {
    std::vector<pollfd> events{{.fd = lab_.stop, .events = POLLIN, .revents = 0}};
    for (const auto& place : places_) {
      events.push_back({.fd = place->sandbox.fd(), .events = POLLIN, .revents = 0});
    }
    if (::poll(events.data(), events.size(), -1) < 0 && errno != EINTR) {
      return fail_errno("wait for the experiment");
    }
    if (events.front().revents != 0) {
      return fail("interrupted");
    }
    for (std::size_t i = places_.size(); i-- > 0;) {
      if (events[i + 1].revents != 0) {
        if (auto heard = hear(i); !heard) {
          return heard;
        }
      }
    }
    std::vector<std::string> states;
    for (const auto& place : places_) {
      states.push_back(format("{}: {}", name(cases_[place->index]), place->state));
    }
    lab_.progress.going(states);
    return {};
  }

  Result<void> hear(std::size_t i) {
    Place& place = *places_[i];
    const Case& plan = cases_[place.index];
    auto result = place.sandbox.read([&](std::string_view text) { place.state = text; });
    if (!result) {
      return {};
    }
    if (!*result) {
      return fail(format("{}: {}", name(plan), result->error().message));
    }
    Run& run = runs_[place.index];
    run = (*result)->get<Run>();
    lab_.progress.done(
        format("{}: {} of {} answered with 200", name(plan), run.ok(), run.requests));
    places_.erase(places_.begin() + static_cast<std::ptrdiff_t>(i));
    return {};
  }

  const Lab& lab_;
  const std::vector<Case>& cases_;
  std::size_t at_once_;
  std::size_t next_ = 0;
  std::vector<std::unique_ptr<Place>> places_;
  std::vector<Run> runs_;
};

/// Whether the options and what is installed here leave this stack in.
bool wanted(const Lab& lab, StackKind kind) {
  const std::string& only = lab.options.only;
  return available(kind, lab.programs) && (only.empty() || only == word(kind));
}

/// Errors: any of the runs failed; `stop`.
Result<std::vector<Run>> make_runs(const Lab& lab, const std::vector<Case>& cases,
                                   std::size_t at_once) {
  if (cases.empty()) {
    return fail(
        "there is nothing to run: this experiment has no such stack, or it is not installed");
  }
  return Crew(lab, cases, at_once).make_all();
}

}  // namespace

std::vector<Case> side_by_side(const Lab& lab, std::initializer_list<StackKind> kinds,
                               const Case& plan) {
  std::vector<Case> cases;
  for (const StackKind kind : kinds) {
    if (wanted(lab, kind)) {
      cases.push_back(plan);
      cases.back().kind = kind;
    }
  }
  return cases;
}

Result<Experiment> make_experiment(const Lab& lab, const std::vector<Case>& cases,
                                   std::size_t at_once, const Judge& judge) {
  auto runs = make_runs(lab, cases, at_once);
  if (!runs) {
    return std::unexpected(runs.error());
  }
  Experiment experiment;
  experiment.quick = lab.options.quick;
  experiment.runs = std::move(*runs);
  for (const Run& run : experiment.runs) {
    if (auto promise = judge(run)) {
      promise->stack = run.stack;
      promise->scenario = run.scenario;
      experiment.promises.push_back(std::move(*promise));
    }
  }
  return experiment;
}

const Run* find(const std::vector<Run>& runs, StackKind kind, std::string_view scenario) {
  const auto found = std::ranges::find_if(
      runs, [&](const Run& run) { return run.stack == word(kind) && run.scenario == scenario; });
  return found == runs.end() ? nullptr : &*found;
}

}  // namespace forebay::lab
