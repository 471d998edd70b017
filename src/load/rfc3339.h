#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Times as Go writes them in JSON: RFC 3339 section 5.6 with up to nine decimals,
/// "2026-01-31T12:00:00.25+01:00".
namespace forebay::load {

/// Appends the time with this machine's offset from UTC. Nanoseconds since the Unix epoch.
void append_rfc3339(std::int64_t at_ns, std::string& out);

/// Nothing: no such time, or one that 64 bits of nanoseconds do not hold (before 1677, after 2262).
[[nodiscard]] std::optional<std::int64_t> parse_rfc3339(std::string_view text);

}  // namespace forebay::load
