#include "load/json_text.h"

#include <cstddef>
#include <cstdint>

namespace forebay::load {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

constexpr bool plain(char c) {
  return c >= ' ' && c <= '\x7f' && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

void escape(char c, std::string& out) {
  out.push_back('\\');
  switch (c) {
    case '\t':
      out.push_back('t');
      return;
    case '\r':
      out.push_back('r');
      return;
    case '\n':
      out.push_back('n');
      return;
    case '\\':
    case '"':
      out.push_back(c);
      return;
    default:
      out += "u00";
      out.push_back(kHex[static_cast<std::uint8_t>(c) >> 4]);
      out.push_back(kHex[static_cast<std::uint8_t>(c) & 0xf]);
  }
}

/// What the first byte of a UTF-8 sequence says, RFC 3629 section 4.
struct Sequence {
  std::size_t size;         // 0: it begins none
  std::uint8_t second_min;  // excludes overlong forms, surrogates and what is beyond U+10FFFF
  std::uint8_t second_max;
};
constexpr Sequence sequence(std::uint8_t first) {
  if (first >= 0xc2 && first <= 0xdf) {
    return {2, 0x80, 0xbf};
  }
  if (first >= 0xe0 && first <= 0xef) {
    return {3, static_cast<std::uint8_t>(first == 0xe0 ? 0xa0 : 0x80),
            static_cast<std::uint8_t>(first == 0xed ? 0x9f : 0xbf)};
  }
  if (first >= 0xf0 && first <= 0xf4) {
    return {4, static_cast<std::uint8_t>(first == 0xf0 ? 0x90 : 0x80),
            static_cast<std::uint8_t>(first == 0xf4 ? 0x8f : 0xbf)};
  }
  return {0, 0, 0};
}

/// Bytes of the character that `text` begins with, none of ASCII; 0: it is no UTF-8.
std::size_t character_size(std::string_view text) {
  const Sequence expected = sequence(static_cast<std::uint8_t>(text[0]));
  if (expected.size == 0 || text.size() < expected.size) {
    return 0;
  }
  const auto second = static_cast<std::uint8_t>(text[1]);
  if (second < expected.second_min || second > expected.second_max) {
    return 0;
  }
  for (const char c : text.substr(2, expected.size - 2)) {
    if ((static_cast<std::uint8_t>(c) & 0xc0) != 0x80) {
      return 0;
    }
  }
  return expected.size;
}

}  // namespace

void append_json(std::string_view text, std::string& out) {
  out.push_back('"');
  while (!text.empty()) {
    std::size_t size = 0;
    while (size < text.size() && plain(text[size])) {
      ++size;
    }
    out += text.substr(0, size);
    text.remove_prefix(size);
    if (text.empty()) {
      break;
    }
    if (static_cast<std::uint8_t>(text[0]) < 0x80) {
      escape(text[0], out);
      text.remove_prefix(1);
      continue;
    }
    size = character_size(text);
    const std::string_view character = text.substr(0, size);
    if (size == 0) {
      out += "\\ufffd";
      size = 1;
    } else if (character == "\u2028" || character == "\u2029") {
      out += character == "\u2028" ? "\\u2028" : "\\u2029";
    } else {
      out += character;
    }
    text.remove_prefix(size);
  }
  out.push_back('"');
}

}  // namespace forebay::load
