#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace forebay {

using fmt::format;
using fmt::format_to;

/// Of ASCII letters; other bytes stay.
[[nodiscard]] constexpr char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Case-insensitive comparison of ASCII, as HTTP compares field names (RFC 9110 section 5.1).
[[nodiscard]] constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, to_lower, to_lower);
}

}  // namespace forebay
