#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace forebay::load {

/// When a line of an access log says that it was written.
struct LogTime {
  std::int64_t at_ns = 0;     // since the Unix epoch, or whatever the log counts from
  bool whole_second = false;  // the log has no finer clock

  [[nodiscard]] bool operator==(const LogTime&) const = default;
};

/// Finds, in this order: [21/Nov/2026:00:34:59 +0000] anywhere (common and combined logs); RFC 3339
/// at the start, or as the first value of a JSON object, without a zone as UTC; a number at the
/// start: seconds, or milliseconds from 100,000,000,000 on; a Go duration such as 1.5s or 20ms.
std::optional<LogTime> find_log_time(std::string_view line);

}  // namespace forebay::load
