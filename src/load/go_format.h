#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/clock.h"

/// How Go, and so vegeta, writes durations, numbers and tables in reports.
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
/// Characters of UTF-8 text: what a column counts.
[[nodiscard]] std::size_t columns(std::string_view text);
/// `text` and blanks up to `width` columns.
[[nodiscard]] std::string padded(std::string_view text, std::size_t width);

}  // namespace forebay::load
