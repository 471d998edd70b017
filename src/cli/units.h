#pragma once

#include <cstdint>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace forebay::cli {

/// "30", "1.5s", "250ms", "2m", "1h"; a bare number is seconds. Errors: not a duration, negative.
Result<Duration> parse_duration(std::string_view text);
/// "4096", "64k", "10M", "1G" (powers of 1024). Errors: not a size.
Result<std::uint64_t> parse_bytes(std::string_view text);
/// Octal: "0007", "0o7", "7". Errors: no mode, or "22", which gunicorn takes for a decimal.
Result<unsigned> parse_umask(std::string_view text);

}  // namespace forebay::cli
