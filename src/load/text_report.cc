#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/text.h"
#include "load/go_format.h"
#include "load/report.h"
#include "load/table.h"

namespace forebay::load {
namespace {

constexpr std::size_t kNameColumns = 14;
constexpr std::size_t kLegendColumns = 34;

std::string line(std::string_view name, std::string_view legend, std::string_view values) {
  return format("{}{}{}\n", padded(name, kNameColumns), padded(legend, kLegendColumns), values);
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) {
    text.append(text.empty() ? "" : ", ").append(part);
  }
  return text;
}

std::string durations(const std::vector<Duration>& values) {
  std::vector<std::string> parts;
  for (const Duration value : values) {
    parts.push_back(go_rounded(value));
  }
  return joined(parts);
}

std::string codes(const Figures& figures) {
  std::string text;
  for (const auto& [code, group] : figures.statuses) {
    text += format("{}:{}  ", code, group.latency.count());
  }
  return text;
}

std::string vegetas_lines(const Figures& f) {
  const Distribution& latency = f.latency;
  std::string text = line("Requests", "[total, rate, throughput]",
                          format("{}, {:.2f}, {:.2f}", f.requests, f.rate(), f.throughput()));
  text += line("Duration", "[total, attack, wait]",
               durations({f.duration() + f.wait(), f.duration(), f.wait()}));
  text +=
      line("Latencies", "[min, mean, 50, 90, 95, 99, max]",
           durations({f.latency_min, latency.mean(), latency.quantile(0.5), latency.quantile(0.9),
                      latency.quantile(0.95), latency.quantile(0.99), latency.max()}));
  text += line("Bytes In", "[total, mean]", format("{}, {:.2f}", f.bytes_in, f.bytes_in_mean()));
  text += line("Bytes Out", "[total, mean]", format("{}, {:.2f}", f.bytes_out, f.bytes_out_mean()));
  text += line("Success", "[ratio]", format("{:.2f}%", f.success() * 100));
  text += line("Status Codes", "[code:count]", codes(f));
  text += "Error Set:\n";
  for (const std::string& error : f.error_texts) {
    text.append(error).append("\n");
  }
  return text;
}

std::string censored_line(const Figures& figures) {
  std::vector<std::string> parts;
  for (const Failure failure :
       {Failure::kTimeout, Failure::kConnectTimeout, Failure::kUnfinished}) {
    if (const auto count = figures.failures[static_cast<std::size_t>(failure)].count; count > 0) {
      parts.push_back(format("{} {}", count, word(failure)));
    }
  }
  return line("Censored", "[count reason]", joined(parts) + "; their true latency is longer");
}

bool closed_loop(const Report& report) {
  return std::ranges::any_of(report.runs, &Run::closed_loop);
}

/// What must be known to read the figures above; nothing, if all is well.
std::string warnings(const Report& report) {
  std::string text;
  for (const std::string& reason : report.validity.reasons) {
    text += line("Validity", "[verdict]", "INVALID: " + reason);
  }
  for (const std::string& note : report.validity.notes) {
    text += line("Validity", "[note]", note);
  }
  if (closed_loop(report)) {
    text += line("Loop", "[model]", "closed: latency starts when a request is sent");
  }
  if (report.figures.censored() > 0) {
    text += censored_line(report.figures);
  }
  if (!report.figures.latency.exact()) {
    text += line("Quantiles", "[source]", "a histogram, exact to 0.1 %");
  }
  return text;
}

std::string runs_lines(const Report& report) {
  std::string text;
  if (report.validity.known && report.validity.valid()) {
    text += line("Validity", "[verdict]", "valid");
  }
  for (const Run& run : report.runs) {
    text += line(
        "Run", "[schedule, hash, shard]",
        format("{}, {:016x}, {} of {}", run.schedule, run.schedule_hash, run.shard, run.shards));
    const double share =
        run.elapsed > Duration{0} ? 100 * to_seconds(run.cpu) / to_seconds(run.elapsed) : 0;
    text += line("Generator", "[elapsed, cpu, connections]",
                 format("{}, {:.1f}%, {}", go_rounded(run.elapsed), share, run.connections));
  }
  return text;
}

std::string end_of(const std::optional<Duration>& value) {
  return value ? go_rounded(*value) : "?";
}

std::string quantiles_table(const Figures& figures) {
  Table table;
  table.add({"Quantile", "latency", "95 % interval"});
  const auto all = intervals(figures);
  for (std::size_t i = 0; i < all.size(); ++i) {
    table.add({std::string(kQuantileWords[i]), go_rounded(figures.latency.quantile(kQuantiles[i])),
               format("{} - {}", end_of(all[i].low), end_of(all[i].high))});
  }
  return table.text();
}

std::vector<std::string> row(std::string name, const Distribution& values) {
  return {std::move(name),
          format("{}", values.count()),
          go_rounded(values.mean()),
          go_rounded(values.quantile(0.5)),
          go_rounded(values.quantile(0.95)),
          go_rounded(values.quantile(0.99)),
          go_rounded(values.max())};
}

Table table_of(std::string what) {
  Table table;
  table.add({std::move(what), "count", "mean", "50", "95", "99", "max"});
  return table;
}

std::string phases_table(const Figures& figures) {
  Table table = table_of("Phase");
  for (std::size_t i = 0; i < figures.phases.size(); ++i) {
    if (figures.phases[i].count() > 0) {
      table.add(row(std::string(kPhaseWords[i]), figures.phases[i]));
    }
  }
  return table.text();
}

std::string groups_table(std::string what, const Groups& groups) {
  Table table = table_of(std::move(what));
  for (const auto& [name, group] : groups) {
    table.add(row(name, group.latency));
  }
  return table.text();
}

std::string errors_table(const Figures& figures) {
  Table table;
  table.add({"Error", "count", "first", "last", "example"});
  const auto since_start = [&](std::int64_t ns) {
    return go_rounded(Duration(ns - figures.earliest_ns));
  };
  for (std::size_t i = 0; i < figures.failures.size(); ++i) {
    const Failed& failed = figures.failures[i];
    if (failed.count > 0) {
      table.add({std::string(kFailureWords[i]), format("{}", failed.count),
                 since_start(failed.first_ns), since_start(failed.last_ns), failed.example});
    }
  }
  return table.text();
}

}  // namespace

std::string text_report(const Report& report, bool full) {
  std::string text = vegetas_lines(report.figures) + warnings(report);
  if (full) {
    text += runs_lines(report);
    for (const std::string& table :
         {quantiles_table(report.figures), phases_table(report.figures),
          groups_table("Status", report.figures.statuses),
          groups_table("Target", report.figures.targets), errors_table(report.figures)}) {
      if (std::ranges::count(table, '\n') > 1) {
        text.append("\n").append(table);
      }
    }
  }
  return text;
}

}  // namespace forebay::load
