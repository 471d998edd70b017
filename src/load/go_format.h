#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"

/// How Go, and so vegeta, writes durations, numbers, times and text in reports.
namespace forebay::load {

/// As go_duration, after rounding half away from zero to the unit below the largest one that is not
/// above `value`: hours to minutes, minutes to seconds, seconds to ms, ms to µs. What is negative
/// is not rounded.
[[nodiscard]] std::string go_rounded(Duration value);

/// Go's time.Duration.Seconds, to the last bit.
[[nodiscard]] double go_seconds(Duration value);
/// Shortest digits that read back as the same number, in fixed notation from 1e-6 up to 1e21: as
/// encoding/json writes them. Not finite: 0.
[[nodiscard]] std::string go_float(double value);
/// In quotes, with `<`, `>`, `&` as \u003c and so on.
[[nodiscard]] std::string go_string(std::string_view text);
/// RFC 3339 in local time with up to 9 decimals, "0001-01-01T00:00:00Z" for 0.
[[nodiscard]] std::string go_time(std::int64_t unix_ns);

/// Characters of UTF-8 text: what a column counts.
[[nodiscard]] std::size_t columns(std::string_view text);
/// `text` and blanks up to `width` columns.
[[nodiscard]] std::string padded(std::string_view text, std::size_t width);

}  // namespace forebay::load
