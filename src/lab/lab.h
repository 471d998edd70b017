#pragma once

#include <functional>
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

/// Whether the options and what is installed here leave this stack in.
bool wanted(const Lab& lab, StackKind kind);

/// Makes the runs, each in a sandbox of its own, some at a time where `settings` say that they only
/// sleep; in the order of `cases`. Errors: any of them failed; `stop`.
Result<std::vector<Run>> make_runs(const Lab& lab, const std::vector<Case>& cases,
                                   std::size_t at_once);

/// Runs that differ only in the stack, the classic one (or others) first.
const Run* find(const std::vector<Run>& runs, StackKind kind, std::string_view scenario);

// The experiments.
Result<Experiment> burst(const Lab& lab);
Result<Experiment> busy(const Lab& lab);
Result<Experiment> slow_clients(const Lab& lab);

struct Kind {
  std::string_view name;
  std::string_view purpose;
  Result<Experiment> (*make)(const Lab& lab);
};
inline constexpr std::array kKinds{
    Kind{"burst", "200 requests in 1 s, 2 s of work each: who is refused, and by whom", burst},
    Kind{"busy", "All workers are busy and a request comes in: its path, step by step", busy},
    Kind{"slow-clients", "200 clients that send a byte now and then: are the others served?",
         slow_clients},
};

}  // namespace forebay::lab
