#include "lab/lab_page.h"

#include <algorithm>
#include <map>
#include <span>

#include "base/text.h"
#include "lab/lab_charts.h"
#include "load/plot_charts.h"

namespace forebay::lab {
namespace {

using load::count_text;

std::string seconds(double s) { return load::duration_text(s * 1000); }

std::string name(const Run& run) { return format("{}: {}", run.scenario, run.title); }

/// "63 x 502".
std::string others_text(const Run& run) {
  std::string text;
  for (const auto& [status, count] : run.statuses) {
    if (status != "200") {
      text += format("{}{} x {}", text.empty() ? "" : ", ", count_text(count), status);
    }
  }
  return text.empty() ? "none" : text;
}

/// "129 of 129 in kernel: gunicorn"; of the queue that was the longest.
std::string longest_queue(const Run& run) {
  const auto longest = std::ranges::max_element(run.queues, {}, &Queue::longest);
  return longest == run.queues.end() || longest->longest() == 0
             ? "none"
             : format("{} of {}, {}", count_text(longest->longest()), count_text(longest->limit),
                      longest->name);
}

load::PageTable runs_table(const Experiment& experiment) {
  load::PageTable table;
  table.title = "What came of it";
  table.above = true;
  table.columns = {"",     "with 200", "others",         "median",
                   "99 %", "longest",  "all over after", "longest queue"};
  for (const Run& run : experiment.runs) {
    table.rows.push_back({name(run),
                          format("{} of {}", count_text(run.ok()), count_text(run.requests)),
                          others_text(run), seconds(run.p50), seconds(run.p99),
                          seconds(run.longest), seconds(run.over), longest_queue(run)});
  }
  return table;
}

load::PageTable promises_table(const Experiment& experiment) {
  load::PageTable table;
  table.title = "Foretold and measured";
  table.above = true;
  table.columns = {"", "foretold", "measured", ""};
  for (const Promise& promise : experiment.promises) {
    table.rows.push_back({format("{}: {}", promise.scenario, promise.stack), promise.text,
                          promise.figures,
                          promise.kept      ? "came so"
                          : promise.unclear ? "unclear: the machine was too busy"
                                            : "did not come so"});
  }
  return table;
}

load::PageTable timeline_table(const Experiment& experiment) {
  load::PageTable table;
  table.title = "A request, step by step";
  table.above = true;
  for (const std::string& line : experiment.timeline) {
    table.rows.push_back({line});
  }
  return table;
}

/// The charts of the runs of one scenario, with those of one kind side by side.
void add_scenario(std::span<const Run> runs, const std::string& section,
                  std::vector<load::Chart>& charts) {
  const Stretches time = stretches_for(runs);
  const std::size_t first = charts.size();
  for (const auto chart : {answers_chart, places_chart}) {
    for (const Run& run : runs) {
      charts.push_back(chart(run, time));
      charts.back().half = runs.size() > 1;
    }
  }
  charts.push_back(latency_chart(runs));
  for (std::size_t i = first; i < charts.size(); ++i) {
    charts[i].section = section;
  }
}

std::string settings_text(const Experiment& experiment) {
  if (experiment.runs.empty()) {
    return "";
  }
  const Settings& settings = experiment.runs.front().settings;
  return format("{} workers, {} of work for each request{}", settings.workers,
                seconds(settings.service), experiment.quick ? "; the quick form" : "");
}

/// What was noted of the runs; of many the same is said once.
void add_notes(std::span<const Run> runs, const std::string& prefix,
               std::vector<std::string>& notes) {
  std::map<std::string, std::vector<const Run*>> by_note;
  for (const Run& run : runs) {
    for (const std::string& note : run.notes) {
      by_note[note].push_back(&run);
    }
  }
  for (const auto& [note, noted] : by_note) {
    const std::string where = noted.size() == 1
                                  ? name(*noted.front())
                                  : format("{} of {} runs", noted.size(), runs.size());
    notes.push_back(format("{}{}: {}", prefix, where, note));
  }
}

/// `prefix`: what tells the experiment from others on the page.
void add(const Experiment& experiment, const std::string& prefix, load::Page& page) {
  page.notes.push_back(prefix + experiment.verdict);
  for (const std::string& missing : experiment.missing) {
    if (std::ranges::find(page.warnings, missing) == page.warnings.end()) {
      page.warnings.push_back(missing);
    }
  }
  const bool alone = prefix.empty();  // of many experiments there would be too many
  for (const Run& run : alone ? std::span(experiment.runs) : std::span<const Run>()) {
    page.figures.push_back(
        {.name = run.scenario,
         .value = format("{} of {}", count_text(run.ok()), count_text(run.requests)),
         .detail = run.title});
  }
  add_notes(experiment.runs, prefix, page.notes);
  for (const auto table : {timeline_table, runs_table, promises_table}) {
    if (load::PageTable made = table(experiment); !made.rows.empty()) {
      made.title = prefix + made.title;
      page.tables.push_back(std::move(made));
    }
  }
  const std::span<const Run> runs(experiment.runs);
  for (std::size_t i = 0, end = 0; i < runs.size(); i = end) {
    while (end < runs.size() && runs[end].scenario == runs[i].scenario) {
      ++end;
    }
    add_scenario(runs.subspan(i, end - i), prefix + runs[i].scenario, page.charts);
  }
}

}  // namespace

load::Page page(std::span<const Experiment> experiments) {
  load::Page page;
  const bool single = experiments.size() == 1;
  page.title = single ? experiments.front().title : "Forebay lab";
  page.subtitle =
      single ? settings_text(experiments.front()) : format("{} experiments", experiments.size());
  for (const Experiment& experiment : experiments) {
    add(experiment, single ? "" : experiment.title + ": ", page);
  }
  return page;
}

}  // namespace forebay::lab
