#include "load/attack.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/text.h"
#include "cli/arguments.h"
#include "cli/attack_options.h"
#include "cli/commands.h"
#include "load/assertions.h"
#include "load/figures.h"
#include "load/live_meter.h"
#include "load/live_screen.h"
#include "load/report.h"
#include "load/validity.h"

namespace forebay::cli {
namespace {

enum ExitCode : int { kDone = 0, kFailed = 1, kInvalid = 3 };  // 2: usage

int complain(const Error& error) {
  std::fputs(format("forebay attack: {}\n", error.message).c_str(), stderr);
  return kFailed;
}

/// What is wrong with a finished run, on stderr; and the exit code that says so.
int verdict(const AttackArguments& o, const load::Figures& figures,
            const load::Validity& validity) {
  for (const std::string& reason : validity.reasons) {
    std::fputs(format("forebay attack: the run is INVALID: {}\n", reason).c_str(), stderr);
  }
  if (!validity.valid()) {
    return kInvalid;
  }
  const std::vector<std::string> failed = o.assertions.failed(figures);
  for (const std::string& line : failed) {
    std::fputs(format("forebay attack: {}\n", line).c_str(), stderr);
  }
  return failed.empty() ? kDone : kFailed;
}

/// Says on stderr how it goes, while it runs.
class Live {
 public:
  explicit Live(const load::ScheduleOptions& schedule) {
    const std::string_view law = std::string_view(schedule.arrivals);
    const bool steady =
        law == "constant" || law == "poisson" || law == "jitter" || law.starts_with("bursts:");
    if (steady && schedule.rate.hits != 0) {
      rate_asked_ = static_cast<double>(schedule.rate.hits) / to_seconds(schedule.rate.per);
    }
  }
  [[nodiscard]] bool terminal() const { return screen_.terminal(); }
  void hit(const load::Hit& hit) { meter_.hit(hit); }
  void watch(const std::string& name, const load::Snapshot& now) {
    load::LiveFigures figures;
    figures.name = name;
    figures.elapsed = now.elapsed;
    figures.total = now.hits;
    figures.released = now.released;
    figures.done = now.done;
    figures.rate_asked = rate_asked_;
    figures.unwritten = now.unwritten;
    meter_.read(figures);
    // A log gets no line more at the end: the report says it all.
    if (now.over ? screen_.terminal() : screen_.due(now.elapsed)) {
      screen_.show(figures);
    }
  }

 private:
  std::optional<double> rate_asked_;  // none: it changes, or nobody asked
  load::LiveMeter meter_;
  load::LiveScreen screen_{STDERR_FILENO};
};

/// vegeta would take it, so whoever has set it may expect that.
void note_proxies() {
  for (const char* name : {"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') {
      std::fputs(format("forebay attack: {} is set and not used: requests go to the targets "
                        "themselves\n",
                        name)
                     .c_str(),
                 stderr);
    }
  }
}

int run(AttackArguments& o) {
  const bool to_terminal = o.attack.output == "stdout" && ::isatty(STDOUT_FILENO) != 0;
  // A closed loop cannot fall behind: nobody looks at its hits unless somebody wants to know.
  const bool look = to_terminal || !o.assertions.empty() || o.attack.schedule.rate.hits != 0;
  o.attack.write = !to_terminal;
  load::Figures figures;
  Live live(o.attack.schedule);
  const bool live_hits = !o.quiet && (look || live.terminal());
  load::AttackHooks hooks;
  if (look || live_hits) {
    hooks.hit = [&](const load::Hit& hit) {
      if (look) {
        figures.add(hit);
      }
      if (live_hits) {
        live.hit(hit);
      }
    };
  }
  if (!o.quiet) {
    note_proxies();
    hooks.watch = [&](const load::Snapshot& now) { live.watch(o.attack.client.name, now); };
  }
  const Result<load::Run> run = load::attack(o.attack, hooks);
  if (!run) {
    return complain(run.error());
  }
  const std::vector<load::Run> runs{*run};
  const load::Validity validity = load::judge(figures, runs, {});
  if (to_terminal) {
    const load::Report report{.figures = figures, .runs = runs, .validity = validity};
    std::fputs(load::text_report(report, false).c_str(), stdout);
  }
  return look ? verdict(o, figures, validity) : kDone;
}

}  // namespace

int attack_main(int argc, char** argv) {
  CLI::App app("Load at an exact rate, measured honestly; reads targets from stdin",
               "forebay attack");
  app.footer(
      "Examples:\n"
      "  echo \"GET http://localhost:8000/\" | forebay attack -rate=200 -duration=5s | forebay "
      "report\n"
      "  forebay attack -targets=targets.txt -rate=50/1s -duration=1m -output=results.bin\n"
      "  echo \"GET http://localhost:8000/\" | forebay attack -concurrency=64 -requests=100000\n"
      "Options are written -name, -name=value or --name value, as vegeta's. On a terminal the "
      "report\n"
      "is printed instead of the results.\n"
      "Exit codes: 0 done, whatever the answers were; 1 an error, or an assertion that does not "
      "hold;\n"
      "2 arguments that make no sense; 3 the run is invalid: the figures are not to be trusted.");
  AttackArguments arguments;
  add_attack_options(app, arguments);
  if (const std::optional<int> status = parse_go_style(app, argc, argv)) {
    return *status;
  }
  if (const Result<void> checked = check(arguments); !checked) {
    return complain(checked.error());
  }
  return run(arguments);
}

}  // namespace forebay::cli
