#pragma once

#include <array>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "lab/drive.h"
#include "lab/peers.h"
#include "lab/result.h"
#include "lab/stack.h"

namespace forebay::lab {

/// What a user asked for; what was not said is up to the experiment.
struct Options {
  bool quick = false;
  bool here = false;
  std::string only;  // the stack's word; empty: all
  std::optional<unsigned> workers;
  std::optional<unsigned> somaxconn;
  std::optional<unsigned> backlog;
  std::optional<double> service;   // seconds
  std::optional<double> rate;      // per second
  std::optional<double> duration;  // seconds
};

/// Shows how it goes.
class Progress {
 public:
  virtual ~Progress() = default;
  virtual void plan(std::string_view text) = 0;
  /// `states`: a word for each run that is under way.
  virtual void going(const std::vector<std::string>& states) = 0;
  virtual void done(std::string_view text) = 0;
};

/// Where experiments are made, and with what.
struct Lab {
  Programs programs;
  Options options;
  Progress& progress;
  int stop = -1;  // readable: end it all
};

/// A run to be made.
struct Case {
  StackKind kind = StackKind::kForebay;
  std::string scenario;
  Settings settings;
  double seconds = 0;  // that it takes, more or less
  /// What is done with the stack once it is up; without: drive() and nothing else.
  std::function<Result<Run>(Stack& stack, const Programs& programs, const Tell& tell)> script;
};

/// The first of this stack and scenario, or null.
const Run* find(const std::vector<Run>& runs, StackKind kind, std::string_view scenario);

/// One case for each of the stacks that are wanted: `plan` with its kind.
std::vector<Case> side_by_side(const Lab& lab, std::initializer_list<StackKind> kinds,
                               const Case& plan);

/// What was promised of a run, or nothing.
using Judge = std::function<std::optional<Promise>(const Run& run)>;
/// Makes the runs, each in a sandbox of its own, so many at once, in the order of `cases`, and asks
/// `judge` about each; name, title and verdict are left to the caller. Errors: there is nothing to
/// run; any run failed; `stop`.
Result<Experiment> make_experiment(const Lab& lab, const std::vector<Case>& cases,
                                   std::size_t at_once, const Judge& judge);

/// Runs that mostly sleep: so many are made at once.
inline constexpr std::size_t kAtOnce = 4;

// The experiments, a file each.
Result<Experiment> burst(const Lab& lab);
Result<Experiment> overload(const Lab& lab);
Result<Experiment> recovery(const Lab& lab);
Result<Experiment> abandoned(const Lab& lab);
Result<Experiment> worker_crash(const Lab& lab);
Result<Experiment> reload(const Lab& lab);
Result<Experiment> busy(const Lab& lab);
Result<Experiment> slow_clients(const Lab& lab);

struct Kind {
  std::string_view name;
  std::string_view purpose;
  Result<Experiment> (*make)(const Lab& lab);
};
inline constexpr std::array kKinds{
    Kind{"burst", "200 requests in 1 s, 2 s of work each: who is refused, and by whom", burst},
    Kind{"overload", "150 % and 300 % of what the workers can do, from clients that leave",
         overload},
    Kind{"recovery", "How soon a newcomer is served after an overload", recovery},
    Kind{"abandoned", "Clients that leave: how much is run for nobody", abandoned},
    Kind{"worker-crash", "kill -9 of busy workers: how many requests fail", worker_crash},
    Kind{"reload", "HUP under load: how many requests fail, how long they take", reload},
    Kind{"busy", "All workers are busy and a request comes in: its path, step by step", busy},
    Kind{"slow-clients", "200 clients that send a byte now and then: are the others served?",
         slow_clients},
};

}  // namespace forebay::lab
