#include "load/live_view.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "load/go_format.h"
#include "load/rate.h"

namespace forebay::load {
namespace {

constexpr Duration kLagMuch = std::chrono::milliseconds(1);
constexpr std::size_t kUnwrittenMany = 10'000;
constexpr std::size_t kBarMax = 40;

enum class Colour : std::uint8_t { kNone, kBold, kGreen, kYellow, kRed };
constexpr std::array<std::string_view, 5> kStart{"", "\x1b[1m", "\x1b[32m", "\x1b[33m", "\x1b[31m"};
constexpr std::string_view kEnd = "\x1b[0m";

struct Span {
  std::string text;
  Colour colour = Colour::kNone;
};
using Line = std::vector<Span>;

/// The first `count` characters of UTF-8.
std::string_view first_columns(std::string_view text, std::size_t count) {
  std::size_t end = 0;
  while (end < text.size() && columns(text.substr(0, end + 1)) <= count)
    ++end;
  return text.substr(0, end);
}

void append_line(std::string& out, const Line& line, std::size_t width, bool colours) {
  for (const Span& span : line) {
    const std::string_view text = first_columns(span.text, width);
    width -= columns(text);
    const bool coloured = colours && span.colour != Colour::kNone && !text.empty();
    out.append(coloured ? kStart[static_cast<std::size_t>(span.colour)] : "");
    out.append(text).append(coloured ? kEnd : "");
  }
  out += '\n';
}

std::string rate_of(double per_second) { return format("{:.1f}/s", per_second); }

/// No finer than anybody can read while it changes.
std::string time_of(Duration time) {
  return go_rounded(time - time % std::chrono::milliseconds(100));
}

std::string progress(const LiveFigures& f) {
  std::string text = time_of(f.elapsed);
  if (f.total) {
    const double part =
        *f.total == 0 ? 1 : static_cast<double>(f.released) / static_cast<double>(*f.total);
    text += format("  {} of {} hits, {:.0f}%", f.released, *f.total, 100 * part);
  } else {
    text += format("  {} hits", f.released);
  }
  return text;
}

Colour colour_of_status(int status) {
  if (status >= 200 && status < 400) {
    return Colour::kGreen;
  }
  return status == 0 || status >= 500 ? Colour::kRed : Colour::kYellow;
}

Line status_line(const LiveFigures& f) {
  Line line{{"status   ", Colour::kBold}};
  for (const auto& [status, count] : f.statuses)
    line.push_back({format("{}: {}  ", status == 0 ? "none" : std::to_string(status), count),
                    colour_of_status(status)});
  return line;
}

/// Failures that are no status.
std::string errors_of(const LiveFigures& f) {
  std::string text;
  for (std::size_t i = 0; i < f.failures.size(); ++i) {
    const auto failure = static_cast<Failure>(i);
    if (f.failures[i] > 0 && failure != Failure::kNone && failure != Failure::kStatus) {
      text += format("{}: {}  ", word(failure), f.failures[i]);
    }
  }
  return text;
}

std::string quantiles_of(const LiveFigures& f) {
  if (!f.quantiles) {
    return "nothing done";
  }
  const auto& [p50, p90, p99] = *f.quantiles;
  return format("p50 {}  p90 {}  p99 {}", go_rounded(p50), go_rounded(p90), go_rounded(p99));
}

Line rate_line(const LiveFigures& f) {
  std::string text = rate_of(f.rate_sent);
  if (f.rate_asked) {
    text += format(", asked {}", rate_of(*f.rate_asked));
  }
  text += format("   done {}", rate_of(f.rate_done));
  return {{"rate     ", Colour::kBold}, {text}, {format("   in flight {}", f.released - f.done)}};
}

Line window_line(const LiveFigures& f) {
  return {{"latency  ", Colour::kBold},
          {format("{}  (last {})   ", quantiles_of(f), time_of(f.window))},
          {format("lag p99 {}", go_rounded(f.lag_p99)),
           f.lag_p99 > kLagMuch ? Colour::kYellow : Colour::kNone}};
}

struct Bar {
  std::string label;
  std::uint64_t count = 0;
};

/// Buckets from the first to the last that counts, `step` of them as one.
std::vector<Bar> bars(const LatencyBuckets& buckets, std::size_t step) {
  const auto counts = [](std::uint64_t count) { return count > 0; };
  const auto& all = buckets.counts;
  const auto first = static_cast<std::size_t>(std::ranges::find_if(all, counts) - all.begin());
  std::size_t last = all.size();
  while (last > first && all[last - 1] == 0)
    --last;
  std::vector<Bar> found;
  for (std::size_t i = first; i < last;) {
    // With a step of three, bars end at powers of ten.
    const std::size_t end = std::min((i + step - 1) / step * step, all.size() - 1);
    Bar bar{end + 1 == all.size() ? "more" : "< " + go_duration(LatencyBuckets::end(end))};
    for (; i <= end; ++i)
      bar.count += all[i];
    found.push_back(std::move(bar));
  }
  return found;
}

/// As fine as `rows` allow.
std::vector<Line> histogram(const LatencyBuckets& buckets, std::size_t rows) {
  std::vector<Bar> found = bars(buckets, 1);
  if (found.size() > rows) {
    found = bars(buckets, 3);
  }
  if (found.size() > rows) {
    return {};
  }
  std::uint64_t most = 1;
  for (const Bar& bar : found)
    most = std::max(most, bar.count);
  std::vector<Line> lines;
  for (const Bar& bar : found) {
    const auto length = static_cast<std::size_t>(static_cast<double>(bar.count) /
                                                 static_cast<double>(most) * kBarMax);
    lines.push_back({{format("{} {:>10}  ", padded("         " + bar.label, 18), bar.count)},
                     {std::string(length, '#')}});
  }
  return lines;
}

std::vector<Line> head_lines(const LiveFigures& f) {
  std::vector<Line> lines;
  lines.push_back(
      {{padded(f.name.empty() ? "attack" : f.name, 8) + " ", Colour::kBold}, {progress(f)}});
  lines.push_back(rate_line(f));
  lines.push_back(window_line(f));
  lines.push_back(status_line(f));
  if (const std::string errors = errors_of(f); !errors.empty()) {
    lines.push_back({{"errors   ", Colour::kBold}, {errors, Colour::kRed}});
  }
  if (f.unwritten >= kUnwrittenMany) {
    lines.push_back({{format("{} results wait to be written: their reader is slow", f.unwritten),
                      Colour::kYellow}});
  }
  return lines;
}

}  // namespace

Duration LatencyBuckets::end(std::size_t bucket) {
  constexpr std::array<std::int64_t, 3> kSteps{1, 2, 5};
  Duration unit = std::chrono::microseconds(1);
  for (std::size_t i = 0; i < bucket / kSteps.size(); ++i)
    unit *= 10;
  return unit * kSteps[bucket % kSteps.size()];
}

void LatencyBuckets::record(Duration latency) {
  std::size_t bucket = 0;
  while (bucket + 1 < kCount && latency >= end(bucket))
    ++bucket;
  ++counts[bucket];
}

std::string live_text(const LiveFigures& figures, TerminalSize size, bool colours) {
  const std::size_t rows = std::max<std::size_t>(size.rows, 2) - 1;
  std::vector<Line> lines = head_lines(figures);
  lines.resize(std::min(lines.size(), rows));
  for (Line& line : histogram(figures.latencies, rows - lines.size()))
    lines.push_back(std::move(line));
  std::string text;
  for (const Line& line : lines)
    append_line(text, line, size.columns, colours);
  return text;
}

std::string live_line(const LiveFigures& f) {
  std::string text = format("{}  {}", progress(f), rate_of(f.rate_sent));
  if (f.rate_asked) {
    text += format(" of {}", rate_of(*f.rate_asked));
  }
  text += format("  in flight {}  {}  lag p99 {} ", f.released - f.done, quantiles_of(f),
                 go_rounded(f.lag_p99));
  for (const auto& [status, count] : f.statuses)
    text += format(" {}: {} ", status == 0 ? "none" : std::to_string(status), count);
  text += " " + errors_of(f);
  text.erase(text.find_last_not_of(' ') + 1);
  return text + "\n";
}

}  // namespace forebay::load
