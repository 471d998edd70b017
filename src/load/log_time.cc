#include "load/log_time.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/text.h"
#include "http/text.h"
#include "load/rate.h"
#include "load/wall_time.h"

namespace forebay::load {
namespace {

constexpr std::int64_t kMillisecondsFrom = 100'000'000'000;  // as seconds it is the year 5138

bool is_whole(std::string_view time) { return time.find('.') == std::string_view::npos; }

/// "21/Nov/2026:00:34:59 +0000", put in another order.
std::optional<LogTime> common_log_time(std::string_view text) {
  constexpr std::string_view kShape = "dd/Mon/yyyy:hh:mm:ss +zzzz";
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (text.size() < kShape.size() || text[2] != '/' || text[6] != '/' || text[20] != ' ') {
    return std::nullopt;
  }
  const std::size_t month = kMonths.find(text.substr(3, 3));
  if (month % 3 != 0) {
    return std::nullopt;
  }
  const std::optional<std::int64_t> at_ns = parse_rfc3339(
      format("{}-{:02}-{}T{}{}:{}", text.substr(7, 4), month / 3 + 1, text.substr(0, 2),
             text.substr(12, 8), text.substr(21, 3), text.substr(24, 2)));
  return at_ns ? std::optional(LogTime{*at_ns, true}) : std::nullopt;
}

std::optional<LogTime> find_common_log_time(std::string_view line) {
  for (std::size_t at = line.find('['); at != std::string_view::npos; at = line.find('[', at + 1)) {
    if (const std::optional<LogTime> time = common_log_time(line.substr(at + 1))) {
      return time;
    }
  }
  return std::nullopt;
}

std::optional<LogTime> rfc3339_time(std::string_view line) {
  constexpr std::size_t kTimeStart = std::string_view("yyyy-mm-ddT").size();
  if (line.starts_with('{')) {
    const std::size_t value = line.find(":\"");
    line.remove_prefix(value == std::string_view::npos ? line.size() : value + 2);
  }
  const std::size_t end = line.find_first_not_of("0123456789:.+-Zz", kTimeStart);
  const std::string_view text = line.substr(0, end);
  std::optional<std::int64_t> at_ns = parse_rfc3339(text);
  if (!at_ns) {
    at_ns = parse_rfc3339(std::string(text) + "Z");
  }
  return at_ns ? std::optional(LogTime{*at_ns, is_whole(text)}) : std::nullopt;
}

std::optional<LogTime> number_time(std::string_view line) {
  const std::string_view text = line.substr(0, line.find_first_of(" \t,;"));
  if (const Result<Duration> duration = parse_go_duration(text); duration && text != "0") {
    return LogTime{duration->count(), false};
  }
  const std::string_view whole = text.substr(0, text.find('.'));
  const std::optional<std::uint64_t> number = http::parse_number(whole);
  const bool milliseconds = number && *number >= kMillisecondsFrom;
  const Result<Duration> time = parse_go_duration(format("{}{}", text, milliseconds ? "ms" : "s"));
  if (!number || !time) {
    return std::nullopt;
  }
  return LogTime{time->count(), !milliseconds && is_whole(text)};
}

}  // namespace

std::optional<LogTime> find_log_time(std::string_view line) {
  if (const std::optional<LogTime> time = find_common_log_time(line)) {
    return time;
  }
  if (const std::optional<LogTime> time = rfc3339_time(line)) {
    return time;
  }
  return number_time(line);
}

}  // namespace forebay::load
