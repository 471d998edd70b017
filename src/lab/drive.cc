#include "lab/drive.h"

#include <algorithm>
#include <cmath>
#include <thread>

#include "base/text.h"
#include "lab/sampler.h"
#include "lab/stack_files.h"
#include "load/figures.h"
#include "load/merged_hits.h"

namespace forebay::lab {
namespace {

constexpr Duration kLookPeriod = std::chrono::milliseconds(50);
constexpr double kTellPeriodSeconds = 1;
constexpr double kSettleMaxSeconds = 120;
constexpr int kInvalid = 3;  // `forebay attack`: the generator fell behind

/// The attack under way, and what is seen meanwhile.
class Driver {
 public:
  Driver(Stack& stack, const Drive& how, const Tell& tell)
      : stack_(stack), how_(how), tell_(tell) {}

  Result<Run> run(const Programs& programs) {
    auto attack = start(programs);
    if (!attack) {
      return std::unexpected(attack.error());
    }
    began_ = wall_now();
    while (attack->running()) {
      if (auto looked = look(); !looked) {
        return std::unexpected(looked.error());
      }
    }
    if (attack->status() != 0 && attack->status() != kInvalid) {
      return std::unexpected(attack->ended());
    }
    if (auto settled = settle(); !settled) {
      return std::unexpected(settled.error());
    }
    return collect(attack->status() == kInvalid);
  }

 private:
  Result<Process> start(const Programs& programs) {
    const Settings& settings = stack_.settings();
    const std::string targets = stack_.directory() + "/targets";
    const std::string line = format("GET http://127.0.0.1:{}{}\n", stack_.port(), how_.target);
    if (auto written = write_text(targets, line); !written) {
      return std::unexpected(written.error());
    }
    const auto duration_ms = std::llround(settings.duration * 1000);
    std::vector<std::string> words{programs.forebay,
                                   "attack",
                                   "-quiet",
                                   "-max-body=0",
                                   "-targets=" + targets,
                                   "-output=" + results_,
                                   format("-timeout={}ms", std::llround(settings.patience * 1000))};
    if (how_.arrivals.empty()) {
      words.push_back(format("-rate={}/{}ms", settings.requests(), duration_ms));
      words.push_back(format("-duration={}ms", duration_ms));
    } else {
      words.push_back("-arrivals=" + how_.arrivals);
    }
    return Process::start({.name = "forebay attack",
                           .words = std::move(words),
                           .log = stack_.directory() + "/attack.log",
                           .input = "",
                           .environment = {}});
  }

  Result<void> look() {
    const double now = wall_now();
    sampler_.look(stack_, now);
    if (how_.meanwhile) {
      if (std::string what = how_.meanwhile(stack_, now - began_); !what.empty()) {
        events_.push_back({.at = now, .what = std::move(what)});
      }
    }
    if (now >= told_ + kTellPeriodSeconds) {
      told_ = now;
      tell_(format("{:.0f} s, {} wait", now - began_, sampler_.waiting()));
    }
    std::this_thread::sleep_for(kLookPeriod);
    return stack_.check();
  }

  Result<void> settle() {
    const double deadline = wall_now() + kSettleMaxSeconds;
    while (how_.settle && wall_now() < deadline) {
      if (auto looked = look(); !looked) {
        return looked;
      }
      const Journal journal = stack_.journal();
      if (sampler_.waiting() == 0 && journal.started.size() <= journal.finished.size()) {
        break;
      }
    }
    return {};
  }

  Result<Run> collect(bool late) {
    Run run;
    run.stack = word(stack_.kind());
    run.title = title(stack_.kind());
    run.settings = stack_.settings();
    auto zero = read_hits(run);
    if (!zero) {
      return std::unexpected(zero.error());
    }
    const Journal journal = stack_.journal();
    for (const auto& entry : journal.started) {
      run.started.push_back(entry.at - *zero);
    }
    for (const auto& entry : journal.finished) {
      run.finished.push_back(entry.at - *zero);
    }
    run.queues = sampler_.queues(*zero);
    run.events = std::move(events_);
    for (Event& event : run.events) {
      event.at -= *zero;
    }
    run.late = late;
    if (late) {
      run.notes.emplace_back(
          "the load generator itself fell behind its schedule: this machine is too busy");
    }
    return run;
  }

  /// When the schedule began, in seconds since the Unix epoch.
  Result<double> read_hits(Run& run) {
    auto hits = load::MergedHits::open({results_});
    if (!hits) {
      return std::unexpected(hits.error());
    }
    load::Figures figures;
    load::Hit hit;
    Result<bool> found = false;
    while ((found = hits->next(hit)) && *found) {
      figures.add(hit);
      add(hit, run);
    }
    if (!found || figures.requests == 0) {
      return found ? fail("the attack sent nothing") : std::unexpected(found.error());
    }
    const double zero = static_cast<double>(figures.earliest_ns) / 1e9;
    run.requests = figures.requests;
    run.p50 = to_seconds(figures.latency.quantile(0.50));
    run.p95 = to_seconds(figures.latency.quantile(0.95));
    run.p99 = to_seconds(figures.latency.quantile(0.99));
    run.longest = to_seconds(figures.latency.max());
    run.over = static_cast<double>(figures.end_ns) / 1e9 - zero;
    thin_out(run, zero);
    return zero;
  }

  static void add(const load::Hit& hit, Run& run) {
    const bool answered = hit.code != 0;
    const std::string error(answered ? "" : load::word(hit.failure));
    run.statuses[answered ? std::to_string(hit.code) : error]++;
    run.answers.push_back({.at = static_cast<double>(hit.intended_ns) / 1e9,
                           .latency = to_seconds(hit.latency),
                           .status = hit.code,
                           .error = error});
  }

  static void thin_out(Run& run, double zero) {
    std::vector<Answer>& all = run.answers;
    std::ranges::sort(all, {}, &Answer::at);
    const std::size_t step = all.size() / (Run::kAnswersMax + 1) + 1;
    std::vector<Answer> kept;
    for (std::size_t i = 0; i < all.size(); i += step) {
      kept.push_back(all[i]);
      kept.back().at -= zero;
    }
    all = std::move(kept);
  }

  Stack& stack_;
  const Drive& how_;
  const Tell& tell_;
  std::string results_ = stack_.directory() + "/run.bin";
  double began_ = 0;
  double told_ = 0;
  Sampler sampler_;
  std::vector<Event> events_;
};

}  // namespace

Result<Run> drive(Stack& stack, const Programs& programs, const Drive& how, const Tell& tell) {
  return Driver(stack, how, tell).run(programs);
}

}  // namespace forebay::lab
