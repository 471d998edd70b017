#include "load/report.h"

#include <stdio.h>
#include <unistd.h>

#include <charconv>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/text.h"
#include "cli/add_option.h"
#include "cli/alarms.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "load/assertions.h"
#include "load/comparison.h"
#include "load/merged_hits.h"
#include "load/rate.h"

namespace forebay::cli {
namespace {

struct ReportOptions {
  std::vector<std::string> files;
  std::string type = "text";
  std::string buckets;
  std::optional<Duration> every;
  std::string output = "stdout";
  bool full = false;
  bool compare = false;
  load::Assertions assertions;
  load::ValidityLimits limits;
};

enum ExitCode : int { kDone = 0, kFailed = 1, kInvalid = 3 };  // 2: usage

constexpr const char* kExitCodes =
    "Exit codes: 0 done; 1 an error, or an assertion that does not hold; 2 arguments that make no "
    "sense; 3 the run is invalid (why stands in the report), so there is no verdict on assertions.";

int complain(const std::string& message) {
  std::fputs(format("forebay report: {}\n", message).c_str(), stderr);
  return kFailed;
}

// --- what is printed -------------------------------------------------------------------------

/// What was read of the results so far.
struct Results {
  load::Figures figures;
  std::optional<load::BucketCounts> buckets;
  std::vector<load::Run> runs;
  load::Validity validity;
};

constexpr std::size_t kTypeSizeMin = 4;  // of those that vegeta knows
using Format = std::string (*)(const Results&, bool full);

load::Report report_of(const Results& results) {
  return {.figures = results.figures,
          .runs = results.runs,
          .validity = results.validity,
          .buckets = results.buckets ? &*results.buckets : nullptr};
}

/// Errors: in vegeta's words.
Result<Format> parse_type(const std::string& type) {
  if (type == "text") {
    return [](const Results& results, bool full) {
      return load::text_report(report_of(results), full);
    };
  }
  if (type == "json") {
    return [](const Results& results, bool) { return load::json_report(report_of(results)); };
  }
  if (type.starts_with("hist")) {
    return [](const Results& results, bool) { return load::histogram_report(*results.buckets); };
  }
  if (type == "ab") {
    return [](const Results& results, bool) { return load::ab_report(report_of(results)); };
  }
  if (type == "wrk") {
    return [](const Results& results, bool) { return load::wrk_report(report_of(results)); };
  }
  if (type == "hdrplot") {
    return [](const Results& results, bool) { return load::hdrplot_report(results.figures); };
  }
  if (type == "plot") {
    return fail("The plot reporter has been deprecated and succeeded by the plot command");
  }
  return fail(type.size() < kTypeSizeMin ? format("invalid report type: {}", type)
                                         : format("unknown report type: \"{}\"", type));
}

/// From -buckets, or from hist[...]; none if the report has no use for them.
Result<std::optional<load::BucketCounts>> buckets_of(const ReportOptions& options) {
  const bool histogram = options.type.starts_with("hist");
  if (!histogram && (options.type != "json" || options.buckets.empty())) {
    return std::nullopt;
  }
  const std::string text = options.buckets.empty() ? options.type.substr(4) : options.buckets;
  const Result<load::Buckets> bounds = load::parse_buckets(text);
  if (!bounds) {
    return std::unexpected(bounds.error());
  }
  return load::BucketCounts(*bounds);
}

/// The file of -output, or the terminal.
class Output {
 public:
  static Result<Output> open(const std::string& path) {
    if (path == "stdout" || path == "-") {
      return Output(stdout);
    }
    FILE* file = std::fopen(path.c_str(), "we");
    if (file == nullptr) {
      return fail_errno(format("open {}", path));
    }
    return Output(file);
  }

  /// Clears the screen before it, if it is one and `again`.
  Result<void> print(const std::string& text, bool again) {
    if (again && file_.get() == stdout && ::isatty(STDOUT_FILENO) == 1) {
      std::fputs("\033[H\033[2J", stdout);
    }
    std::fputs(text.c_str(), file_.get());
    if (std::fflush(file_.get()) != 0) {
      return fail_errno("write the report");
    }
    return {};
  }

 private:
  struct Close {
    void operator()(FILE* file) const {
      if (file != stdout) {
        std::fclose(file);
      }
    }
  };
  explicit Output(FILE* file) : file_(file) {}

  std::unique_ptr<FILE, Close> file_;
};

// --- reading ---------------------------------------------------------------------------------

constexpr std::uint64_t kHitsBetweenAlarms = 1000;

/// Everything up to the end, or up to SIGINT: true. `tick` is called each time that a period is
/// over.
template <typename Tick>
Result<bool> read_all(load::MergedHits& hits, Alarms& alarms, Results& results, Tick tick) {
  load::Hit hit;
  for (std::uint64_t count = 1;; ++count) {
    const Result<bool> found = hits.next(hit);
    if (!found) {
      return found;
    }
    if (*found) {
      results.figures.add(hit);
      if (results.buckets) {
        results.buckets->add(hit.latency);
      }
      if (count % kHitsBetweenAlarms != 0) {
        continue;
      }
    }
    const Alarms::Taken taken = alarms.take();
    if (taken.stop) {
      return true;
    }
    if (taken.tick) {
      const Result<void> printed = tick();
      if (!printed) {
        return std::unexpected(printed.error());
      }
    }
    if (!*found && !taken.any) {
      return false;
    }
  }
}

int judge_assertions(const ReportOptions& options, const load::Figures& figures,
                     const load::Figures* before) {
  const std::vector<std::string> failed = options.assertions.failed(figures, before);
  for (const std::string& line : failed) {
    complain("assertion failed: " + line);
  }
  return failed.empty() ? kDone : kFailed;
}

/// The exit code, after a word on everything that is wrong.
int verdict(const ReportOptions& options, const Results& results) {
  if (!results.validity.valid()) {
    for (const std::string& reason : results.validity.reasons) {
      complain("the run is invalid: " + reason);
    }
    return kInvalid;
  }
  return judge_assertions(options, results.figures, nullptr);
}

Result<int> report(const ReportOptions& options) {
  if (options.assertions.compare()) {
    return fail("an assertion on a .change needs a run to compare with: -compare BEFORE AFTER");
  }
  const Result<Format> format = parse_type(options.type);
  if (!format) {
    return std::unexpected(format.error());
  }
  auto buckets = buckets_of(options);
  if (!buckets) {
    return std::unexpected(buckets.error());
  }
  Alarms alarms(options.every);
  auto hits = load::MergedHits::open(options.files, alarms.fd());
  if (!hits) {
    return std::unexpected(hits.error());
  }
  Result<Output> output = Output::open(options.output);
  if (!output) {
    return std::unexpected(output.error());
  }
  Results results{.figures = {}, .buckets = std::move(*buckets), .runs = {}, .validity = {}};
  const auto print = [&] {
    return output->print((*format)(results, options.full), !!options.every);
  };
  const Result<bool> cut = read_all(*hits, alarms, results, print);
  if (!cut) {
    return std::unexpected(cut.error());
  }
  results.runs = hits->runs();
  results.validity = load::judge(results.figures, results.runs, options.limits, *cut);
  const Result<void> printed = print();
  if (!printed) {
    return std::unexpected(printed.error());
  }
  return verdict(options, results);
}

// --- comparison ------------------------------------------------------------------------------

/// One file, read to its end. Errors: also that somebody wants us to stop.
Result<load::Side> read_side(const std::string& path, const load::ValidityLimits& limits) {
  Alarms alarms(std::nullopt);
  auto hits = load::MergedHits::open({path}, alarms.fd());
  if (!hits) {
    return std::unexpected(hits.error());
  }
  Results results;
  const Result<bool> cut = read_all(*hits, alarms, results, [] { return Result<void>{}; });
  if (!cut || *cut) {
    return cut ? fail("interrupted") : std::unexpected(cut.error());
  }
  load::Side side{
      .name = path, .figures = std::move(results.figures), .runs = hits->runs(), .validity = {}};
  side.validity = load::judge(side.figures, side.runs, limits);
  return side;
}

Result<int> compare(const ReportOptions& options) {
  if (options.files.size() != 2 || options.every || !options.buckets.empty() || options.full ||
      (options.type != "text" && options.type != "json")) {
    return fail(
        "-compare takes two files, the run before and the run after, and -type=text or json");
  }
  std::vector<load::Side> sides;
  for (const std::string& path : options.files) {
    Result<load::Side> side = read_side(path, options.limits);
    if (!side) {
      return std::unexpected(side.error());
    }
    sides.push_back(std::move(*side));
  }
  Result<Output> output = Output::open(options.output);
  if (!output) {
    return std::unexpected(output.error());
  }
  auto* const text = options.type == "json" ? load::comparison_json : load::comparison_text;
  const Result<void> printed = output->print(text(sides[0], sides[1]), false);
  if (!printed) {
    return std::unexpected(printed.error());
  }
  for (const load::Side& side : sides) {
    for (const std::string& reason : side.validity.reasons) {
      complain(format("the run of {} is invalid: {}", side.name, reason));
    }
  }
  return sides[0].validity.valid() && sides[1].validity.valid()
             ? judge_assertions(options, sides[1].figures, &sides[0].figures)
             : kInvalid;
}

// --- options ---------------------------------------------------------------------------------

Result<double> parse_percent(std::string_view text) {
  double value = 0;
  const char* end = text.end() - (text.ends_with('%') ? 1 : 0);
  const auto [rest, error] = std::from_chars(text.begin(), end, value);
  if (error != std::errc() || rest != end || !(value >= 0)) {
    return fail(format("'{}' is no part: write it as 10%", text));
  }
  return value / 100;
}

Result<Duration> parse_period(std::string_view text) {
  Result<Duration> period = load::parse_go_duration(text);
  return period && *period <= Duration{0} ? fail("must be more than 0") : period;
}

void add_options(CLI::App& app, ReportOptions& o) {
  app.add_option("files", o.files, "Results of attacks, in any encoding; none: stdin")
      ->type_name("FILE");
  app.add_option("--type", o.type,
                 "text, json, hist[0,1ms,10ms], hdrplot; ab or wrk: the summary of that program")
      ->type_name("TYPE")
      ->capture_default_str();
  app.add_option("--buckets", o.buckets,
                 "Bounds of a histogram of latencies, as in [0,1ms,10ms], for hist and json")
      ->type_name("BOUNDS");
  add_parsed(app, "--every", o.every, parse_period, "Report again each period, while reading",
             "TIME", "");
  app.add_option("--output", o.output, "File for the report")
      ->type_name("FILE")
      ->capture_default_str();
  app.add_flag("--full", o.full,
               "In text: intervals, the parts of the latency, statuses, targets, errors");
  app.add_flag("--compare", o.compare,
               "Of two files, the run before and the run after: what has changed, each with the "
               "interval in which the change lies");
  add_parsed(app, "--assert", o.assertions, load::Assertions::parse,
             "What must hold, as in 'p99<250ms,success>=99.9%,status.503<1%'; with -compare also "
             "'p99.change<10%'",
             "ASSERTIONS", "");
  add_parsed(app, "--late-max", o.limits.late_max, parse_percent,
             "How late the attack itself may be: its p99, as a part of the latency's p50; 1 ms "
             "is always forgiven",
             "PERCENT", "10%");
  app.footer(kExitCodes);
}

}  // namespace

int report_main(int argc, char** argv) {
  ReportOptions options;
  CLI::App app("Says what the results of attacks are.", "forebay report");
  add_options(app, options);
  if (const auto code = parse_go_style(app, argc, argv)) {
    return *code;
  }
  const Result<int> code = options.compare ? compare(options) : report(options);
  return code ? *code : complain(code.error().message);
}

}  // namespace forebay::cli
