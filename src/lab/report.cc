#include "lab/report.h"

#include <algorithm>

#include "base/text.h"
#include "lab/measure.h"
#include "load/table.h"

namespace forebay::lab {
namespace {

struct Style {
  std::string_view bold;
  std::string_view good;
  std::string_view bad;
  std::string_view plain;
};
constexpr Style kColors{
    .bold = "\033[1m", .good = "\033[32m", .bad = "\033[31m", .plain = "\033[0m"};

std::string seconds(double value) { return format("{:.2f} s", value); }

/// What is not 200: "63 x 502".
std::string others(const Run& run) {
  std::string words;
  for (const auto& [status, number] : run.statuses) {
    if (status != "200") {
      words += format("{}{} x {}", words.empty() ? "" : ", ", number, status);
    }
  }
  return words.empty() ? "-" : words;
}

/// "129 of 129" in the kernel's, which is small; "192" in Forebay's.
std::string longest_queue(const Run& run) {
  const auto longest = std::ranges::max_element(run.queues, {}, &Queue::longest);
  if (longest == run.queues.end()) {
    return "-";
  }
  const bool kernel = longest->name.starts_with("kernel");
  return kernel ? format("{} of {}", longest->longest(), longest->limit)
                : std::to_string(longest->longest());
}

std::string tables(const Experiment& experiment, const Style& style) {
  std::string text;
  for (std::size_t i = 0; i < experiment.runs.size();) {
    const std::string& scenario = experiment.runs[i].scenario;
    load::Table table;
    table.add({"  ", "200", "other", "p50", "p99", "last answer", "longest queue", "runs in vain"});
    for (; i < experiment.runs.size() && experiment.runs[i].scenario == scenario; ++i) {
      const Run& run = experiment.runs[i];
      table.add({"  " + run.title, format("{} of {}", run.ok(), run.requests), others(run),
                 seconds(run.p50), seconds(run.p99), seconds(run.over), longest_queue(run),
                 std::to_string(in_vain(run))});
    }
    text += format("\n{}{}{}\n{}", style.bold, scenario, style.plain, table.text());
  }
  return text;
}

std::string promises(const Experiment& experiment, const Style& style) {
  load::Table table;
  for (const Promise& promise : experiment.promises) {
    const std::string_view word = promise.kept ? "kept" : promise.unclear ? "unclear" : "NOT KEPT";
    table.add({format("  {}{}{}", promise.kept ? style.good : style.bad, word, style.plain),
               promise.stack, promise.scenario, format("{} ({})", promise.text, promise.figures)});
  }
  return experiment.promises.empty() ? "" : "\nForetold\n" + table.text();
}

std::string notes(const Experiment& experiment) {
  std::string text;
  for (const Run& run : experiment.runs) {
    for (const std::string& note : run.notes) {
      text += format("note: {}, {}: {}\n", run.title, run.scenario, note);
    }
  }
  for (const std::string& line : experiment.missing) {
    text += format("missing: {}\n", line);
  }
  return text.empty() ? "" : "\n" + text;
}

}  // namespace

std::string report(const Experiment& experiment, bool colors) {
  const Style style = colors ? kColors : Style{};
  std::string text = tables(experiment, style);
  for (const std::string& line : experiment.timeline) {
    text += line + "\n";
  }
  return text + promises(experiment, style) + notes(experiment) +
         format("\n{}{}{}\n", style.bold, experiment.verdict, style.plain);
}

}  // namespace forebay::lab
