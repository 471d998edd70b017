// The summaries that users of ab and wrk know, of a closed loop: latency starts when a request is
// sent, and what others would have waited meanwhile is not included.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <initializer_list>
#include <string>
#include <vector>

#include "base/text.h"
#include "load/report.h"
#include "load/url.h"

namespace forebay::load {
namespace {

/// What latency means here, as far as the runs say.
std::string_view model(const Report& report) {
  if (report.runs.empty()) {
    return "";
  }
  return std::ranges::all_of(report.runs, &Run::closed_loop)
             ? "Closed loop: latency starts when a request is sent, waiting is not included\n"
             : "Open loop: latency starts when a request was to be sent, waiting is included\n";
}

double seconds_of(const Figures& f) { return to_seconds(f.duration() + f.wait()); }
double per_second(double value, const Figures& f) {
  return seconds_of(f) > 0 ? value / seconds_of(f) : 0;
}

/// Of all runs together; 0: no closed loop, or another tool wrote the results.
std::uint64_t concurrency_of(const Report& report) {
  std::uint64_t all = 0;
  for (const Run& run : report.runs) {
    all += run.concurrency;
  }
  return all;
}

std::uint64_t count_of(const Figures& f, std::initializer_list<Failure> failures) {
  std::uint64_t count = 0;
  for (const Failure failure : failures) {
    count += f.failures[static_cast<std::size_t>(failure)].count;
  }
  return count;
}

/// Whole answers with a status that is no 2xx, or as wrk counts them, no 2xx or 3xx.
std::uint64_t statuses_outside(const Figures& f, int low, int high) {
  std::uint64_t count = 0;
  for (const auto& [status, group] : f.statuses) {
    const int code = std::atoi(status.c_str());  // "other" is 0
    count += code != 0 && (code < low || code >= high) ? group.latency.count() : 0;
  }
  return count;
}

const std::string* find(const HeaderFields& fields, std::string_view name) {
  const auto found = std::ranges::find_if(
      fields, [&](const auto& field) { return equal_ignoring_case(field.first, name); });
  return found == fields.end() ? nullptr : &found->second;
}

// --- ab --------------------------------------------------------------------------------------

std::string field(std::string_view name, const std::string& value) {
  return format("{:<24}{}\n", name, value);
}

std::string ab_target(const Figures& f) {
  const Result<Url> url = parse_url(f.first.url);
  if (!url) {
    return "";
  }
  const std::string* server = find(f.first.headers, "server");
  return field("Server Software:", server == nullptr ? "" : *server) +
         field("Server Hostname:", url->host) + field("Server Port:", format("{}\n", url->port)) +
         field("Document Path:", url->target) +
         field("Document Length:", format("{} bytes\n", f.first.bytes_in));
}

long long ms(Duration time) { return std::llround(static_cast<double>(time.count()) / 1e6); }

std::string ab_times(std::string_view name, const Distribution& values) {
  return format("{:<11}{:>5} {:>4} {:>5.1f} {:>6} {:>7}\n", name, ms(values.min()),
                ms(values.mean()), to_seconds(values.deviation()) * 1000, ms(values.quantile(0.5)),
                ms(values.max()));
}

std::string ab_shares(const Figures& f) {
  std::string text = "\nPercentage of the requests served within a certain time (ms)\n";
  for (const int percent : {50, 66, 75, 80, 90, 95, 98, 99, 100}) {
    text += format("  {:>3}%  {:>5}{}\n", percent, ms(f.latency.quantile(percent / 100.0)),
                   percent == 100 ? " (longest request)" : "");
  }
  return text;
}

// --- wrk -------------------------------------------------------------------------------------

/// The largest unit of which there is at least 85 %, as wrk chooses it.
std::string scaled(double value, double step, std::string_view base,
                   std::initializer_list<std::string_view> units) {
  std::string_view unit = base;
  for (const std::string_view next : units) {
    if (value < step * 0.85) {
      break;
    }
    value /= step;
    unit = next;
  }
  return format("{:.2f}{}", value, unit);
}

std::string time_text(Duration time) {
  const double us = to_seconds(time) * 1e6;
  if (us >= 0.85 * 60e6) {
    return scaled(us / 60e6, 60, "m", {"h"});
  }
  return scaled(us, 1000, "us", {"ms", "s"});
}
std::string bytes_text(double bytes) { return scaled(bytes, 1024, "B", {"KB", "MB", "GB", "TB"}); }
std::string count_text(double count) { return scaled(count, 1000, "", {"k", "M", "G"}); }

std::string spread(std::string_view name, const std::array<std::string, 3>& values, double within) {
  return format("    {:<10}{:>8}{:>10}{:>9}{:>8.2f}%\n", name, values[0], values[1], values[2],
                100 * within);
}

std::string latency_spread(const Distribution& latency) {
  const Duration mean = latency.mean();
  const Duration deviation = latency.deviation();
  const std::uint64_t above = latency.count_up_to(mean + deviation);
  const std::uint64_t below = latency.count_up_to(mean - deviation - Duration{1});
  const double within = latency.count() == 0 ? 0
                                             : static_cast<double>(above - below) /
                                                   static_cast<double>(latency.count());
  return spread("Latency", {time_text(mean), time_text(deviation), time_text(latency.max())},
                within);
}

/// Of the hits of each second.
std::string rate_spread(const Figures& f) {
  std::vector<double> rates;
  for (const auto& [number, block] : f.blocks.all()) {
    rates.push_back(static_cast<double>(block.count()) / to_seconds(f.blocks.width()));
  }
  if (rates.empty()) {
    return "";
  }
  double mean = 0;
  double squares = 0;
  for (const double rate : rates) {
    mean += rate / static_cast<double>(rates.size());
  }
  for (const double rate : rates) {
    squares += (rate - mean) * (rate - mean);
  }
  const double deviation =
      rates.size() > 1 ? std::sqrt(squares / static_cast<double>(rates.size() - 1)) : 0;
  const auto within =
      std::ranges::count_if(rates, [&](double rate) { return std::abs(rate - mean) <= deviation; });
  return spread("Req/Sec",
                {count_text(mean), count_text(deviation), count_text(std::ranges::max(rates))},
                static_cast<double>(within) / static_cast<double>(rates.size()));
}

std::string wrk_errors(const Figures& f) {
  std::string text;
  const std::uint64_t connect =
      count_of(f, {Failure::kDns, Failure::kRefused, Failure::kConnect, Failure::kTls});
  const std::uint64_t read = count_of(f, {Failure::kReset, Failure::kClosed, Failure::kProtocol});
  const std::uint64_t write = count_of(f, {Failure::kSend});
  const std::uint64_t timeout =
      count_of(f, {Failure::kTimeout, Failure::kConnectTimeout, Failure::kUnfinished});
  if (connect + read + write + timeout > 0) {
    text += format("  Socket errors: connect {}, read {}, write {}, timeout {}\n", connect, read,
                   write, timeout);
  }
  if (const std::uint64_t others = statuses_outside(f, 200, 400); others > 0) {
    text += format("  Non-2xx or 3xx responses: {}\n", others);
  }
  return text;
}

}  // namespace

std::string ab_report(const Report& report) {
  const Figures& f = report.figures;
  const auto requests = static_cast<double>(f.requests);
  const std::uint64_t answered = f.requests - (f.errors() - count_of(f, {Failure::kStatus}));
  const auto concurrency = concurrency_of(report);
  std::string text = std::string(model(report)) + "\n" + ab_target(f);
  if (concurrency > 0) {
    text += field("Concurrency Level:", format("{}", concurrency));
  }
  text += field("Time taken for tests:", format("{:.3f} seconds", seconds_of(f))) +
          field("Complete requests:", format("{}", f.requests)) +
          field("Failed requests:", format("{}", f.requests - answered));
  if (const std::uint64_t others = statuses_outside(f, 200, 300); others > 0) {
    text += field("Non-2xx responses:", format("{}", others));
  }
  text += field("HTML transferred:", format("{} bytes", f.bytes_in)) +
          field("Requests per second:", format("{:.2f} [#/sec] (mean)", per_second(requests, f)));
  const double each_ms = requests > 0 ? seconds_of(f) * 1000 / requests : 0;
  if (concurrency > 0) {
    text += field("Time per request:",
                  format("{:.3f} [ms] (mean)", each_ms * static_cast<double>(concurrency)));
  }
  text += field("Time per request:",
                format("{:.3f} [ms] (mean, across all concurrent requests)", each_ms)) +
          field("Transfer rate:", format("{:.2f} [Kbytes/sec] of bodies received",
                                         per_second(static_cast<double>(f.bytes_in), f) / 1024));
  text += "\nConnection Times (ms)\n              min  mean[+/-sd] median   max\n";
  text += ab_times("Connect:", f.phase(Phase::kConnect)) +
          ab_times("Processing:", f.phase(Phase::kService)) +
          ab_times("Waiting:", f.phase(Phase::kFirstByte)) + ab_times("Total:", f.latency);
  return text + ab_shares(f);
}

std::string wrk_report(const Report& report) {
  const Figures& f = report.figures;
  std::string text = std::string(model(report)) +
                     format("Running {:.0f}s test @ {}\n", seconds_of(f), f.first.url);
  if (const std::uint64_t concurrency = concurrency_of(report); concurrency > 0) {
    text += format("  {} connections\n", concurrency);
  }
  text += "  Thread Stats   Avg      Stdev     Max   +/- Stdev\n";
  text += latency_spread(f.latency) + rate_spread(f) + "  Latency Distribution\n";
  for (const int percent : {50, 75, 90, 99}) {
    text += format("    {:>3}%{:>10}\n", percent, time_text(f.latency.quantile(percent / 100.0)));
  }
  text += format("  {} requests in {}, {} read\n", f.requests, time_text(f.duration() + f.wait()),
                 bytes_text(static_cast<double>(f.bytes_in)));
  text += wrk_errors(f);
  return text + format("Requests/sec: {:>10.2f}\nTransfer/sec: {:>10}\n",
                       per_second(static_cast<double>(f.requests), f),
                       bytes_text(per_second(static_cast<double>(f.bytes_in), f)));
}

}  // namespace forebay::load
