#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace forebay::load {

/// `hits` each `per`; 0 hits: as fast as possible.
struct Rate {
  std::uint64_t hits = 50;
  Duration per = std::chrono::seconds(1);

  [[nodiscard]] bool operator==(const Rate&) const = default;
};

/// As Go's time.ParseDuration: "300ms", "1.5h", "1h2m3.5s", "-2us", "0"; units ns, us, µs, ms, s,
/// m, h. Errors: any other text, more than 64 bits of nanoseconds.
Result<Duration> parse_go_duration(std::string_view text);

/// As Go prints it, unrounded: "1h2m3.5s", "1.5ms", "2µs", "0s".
std::string go_duration(Duration duration);

/// As vegeta's -rate: "50" (per second), "50/1m30s", "50/m"; "0" and "infinity": as fast as
/// possible. Errors: any other text, a period that is not above zero.
Result<Rate> parse_rate(std::string_view text);

/// "50/1s".
std::string rate_text(const Rate& rate);

}  // namespace forebay::load
