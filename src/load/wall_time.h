#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Times of day, which hits have as nanoseconds since the Unix epoch: 1677 to 2262.
namespace forebay::load {

struct WallTime {
  std::int64_t seconds = 0;      // since the epoch
  std::int64_t nanoseconds = 0;  // 0 to 999,999,999, after these seconds
};
[[nodiscard]] WallTime split_time(std::int64_t at_ns);
/// Nothing: 64 bits do not hold it.
[[nodiscard]] std::optional<std::int64_t> join_time(WallTime time);

/// Appends the time as Go writes it in JSON: RFC 3339 section 5.6 with up to nine decimals and this
/// machine's offset from UTC, "2026-01-31T12:00:00.25+01:00".
void append_rfc3339(std::int64_t at_ns, std::string& out);
/// Nothing: no such time, or 64 bits do not hold it.
[[nodiscard]] std::optional<std::int64_t> parse_rfc3339(std::string_view text);

}  // namespace forebay::load
