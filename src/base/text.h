#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

namespace forebay {

using fmt::format;
using fmt::format_to;

/// Case-insensitive comparison of ASCII, as HTTP compares field names (RFC 9110 section 5.1).
[[nodiscard]] inline bool equal_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) {
    return false;
  }
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto lower = [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    };
    if (lower(a[i]) != lower(b[i])) {
      return false;
    }
  }
  return true;
}

}  // namespace forebay
