// The law of an access log: hits come when those of the log came.

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "base/text.h"
#include "load/law.h"
#include "load/line_reader.h"
#include "load/log_time.h"
#include "load/schedule_hash.h"
#include "load/wide.h"

namespace forebay::load {
namespace {

constexpr std::size_t kReplayHitsMax = 100'000'000;  // 8 bytes each
constexpr std::int64_t kSecondNs = 1'000'000'000;
constexpr std::uint64_t kSpeedScale = 1'000'000'000;
constexpr std::size_t kShownBytes = 60;  // of a line that cannot be read

class ReplayLaw : public Schedule::Law {
 public:
  explicit ReplayLaw(std::vector<Duration> offsets) : offsets_(std::move(offsets)) {
    count = offsets_.size();
  }

  [[nodiscard]] std::unique_ptr<Pass> pass() const override {
    return std::make_unique<ReplayPass>(offsets_);
  }

 private:
  class ReplayPass : public Pass {
   public:
    explicit ReplayPass(const std::vector<Duration>& offsets) : offsets_(offsets) {}
    std::optional<Duration> offset(std::uint64_t n) override { return offsets_[n]; }

   private:
    const std::vector<Duration>& offsets_;
  };

  const std::vector<Duration> offsets_;
};

/// What `replay:` is followed by: FILE or FILE@SPEED.
struct Source {
  std::string path;
  std::string speed_text = "1";
  std::uint64_t speed = kSpeedScale;  // in billionths
};

Result<Source> parse_source(std::string_view argument) {
  Source source{.path = std::string(argument)};
  if (const std::size_t at = argument.rfind('@'); at != std::string_view::npos) {
    // A speed of 1.5 reads like 1.5 s in nanoseconds. What is no number belongs to the path.
    const std::string speed(argument.substr(at + 1));
    if (const Result<Duration> scaled = parse_go_duration(speed + "s")) {
      if (*scaled <= Duration{0}) {
        return fail(format("'{}' is no speed of a replay: it must be above zero", speed));
      }
      source = {std::string(argument.substr(0, at)), speed,
                static_cast<std::uint64_t>(scaled->count())};
    }
  }
  if (source.path.empty()) {
    return fail(
        "replay needs an access log: write replay:access.log, or replay:access.log@2 for "
        "twice the speed");
  }
  return source;
}

struct Log {
  std::vector<std::int64_t> times;  // ns
  bool whole_seconds = true;        // all of them
  std::uint64_t lines_without = 0;
  std::string first_without;
};

Result<Log> read_log(const std::string& path) {
  Result<LineReader> lines = LineReader::open(path);
  if (!lines) {
    return std::unexpected(std::move(lines.error()));
  }
  Log log;
  std::string_view line;
  Result<bool> more = true;
  while ((more = lines->next(line)) && *more) {
    if (const std::optional<LogTime> time = find_log_time(line)) {
      log.times.push_back(time->at_ns);
      log.whole_seconds = log.whole_seconds && time->whole_second;
    } else if (!line.empty() && log.lines_without++ == 0) {
      log.first_without = format("'{}'{}", line.substr(0, kShownBytes), lines->place());
    }
    if (log.times.size() > kReplayHitsMax) {
      return fail(format("{} has more than {} hits: replay a part of it", path, kReplayHitsMax));
    }
  }
  if (!more) {
    return std::unexpected(std::move(more.error()));
  }
  if (log.times.empty()) {
    return fail(log.lines_without == 0
                    ? format("{} is empty: there is nothing to replay", path)
                    : format("there is no time of arrival in {}", log.first_without));
  }
  return log;
}

/// Hits of one second are spread evenly over it: the log did not say more.
void spread_seconds(std::vector<std::int64_t>& times) {
  for (auto first = times.begin(); first != times.end();) {
    const auto last = std::find_if(first, times.end(), [&](auto at) { return at != *first; });
    const auto hits = last - first;
    for (std::int64_t i = 0; first != last; ++first, ++i)
      *first += i * kSecondNs / hits;
  }
}

/// From the first hit on; nothing if the log spans more than 64 bits at this speed.
std::optional<std::vector<Duration>> offsets_of(const std::vector<std::int64_t>& times,
                                                std::uint64_t speed) {
  std::vector<Duration> offsets;
  offsets.reserve(times.size());
  for (const std::int64_t at : times) {
    // Without a sign: the difference of any two fits.
    const std::uint64_t since =
        static_cast<std::uint64_t>(at) - static_cast<std::uint64_t>(times.front());
    const Wide offset = Wide{since} * kSpeedScale / speed;
    if (offset > static_cast<std::uint64_t>(Duration::max().count())) {
      return std::nullopt;
    }
    offsets.emplace_back(static_cast<std::int64_t>(offset));
  }
  return offsets;
}

std::string text_of(const Source& source, const Log& log, const ScheduleOptions& options) {
  std::string text = "replay of " + source.path;
  if (source.speed != kSpeedScale) {
    text += format(" at speed {}", source.speed_text);
  }
  text += for_duration(options.duration);
  if (log.lines_without > 0) {
    text += format(", without {} lines that have no time", log.lines_without);
  }
  return text;
}

}  // namespace

LawResult make_replay(std::string_view argument, const ScheduleOptions& options) {
  const Result<Source> source = parse_source(argument);
  if (!source) {
    return std::unexpected(source.error());
  }
  Result<Log> log = read_log(source->path);
  if (!log) {
    return fail("replay: " + log.error().message);
  }
  std::ranges::sort(log->times);
  if (log->whole_seconds) {
    spread_seconds(log->times);
  }
  std::optional<std::vector<Duration>> offsets = offsets_of(log->times, source->speed);
  if (!offsets) {
    return fail(format("replay: at speed {}, {} lasts more than 292 years", source->speed_text,
                       source->path));
  }
  if (options.duration) {
    offsets->erase(std::ranges::lower_bound(*offsets, *options.duration), offsets->end());
  }
  ScheduleHash hash;
  hash.add("replay");
  for (const Duration offset : *offsets)
    hash.add(static_cast<std::uint64_t>(offset.count()));
  auto law = std::make_shared<ReplayLaw>(std::move(*offsets));
  law->text = text_of(*source, *log, options);
  law->hash = hash.value();
  return law;
}

}  // namespace forebay::load
