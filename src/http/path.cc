#include "http/path.h"

#include <cstddef>

namespace forebay::http {
namespace {

int hex_digit(char c) {
  return c >= '0' && c <= '9'                     ? c - '0'
         : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                  : -1;
}

/// One character of a path, decoded, and how many bytes stand for it.
struct PathChar {
  char value;
  std::size_t bytes;
};
PathChar next_char(std::string_view path) {
  if (path[0] == '%' && path.size() > 2 && hex_digit(path[1]) >= 0 && hex_digit(path[2]) >= 0) {
    return {static_cast<char>(hex_digit(path[1]) * 16 + hex_digit(path[2])), 3};
  }
  return {path[0], 1};
}

}  // namespace

std::optional<std::string_view> after_prefix(std::string_view path, std::string_view prefix) {
  for (const char wanted : prefix) {
    if (path.empty()) {
      return std::nullopt;
    }
    const PathChar next = next_char(path);
    if (next.value != wanted) {
      return std::nullopt;
    }
    path.remove_prefix(next.bytes);
  }
  return path;
}

}  // namespace forebay::http
