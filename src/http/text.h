#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

/// The character classes of RFC 9110 section 5 and the few operations on text that HTTP needs.
namespace forebay::http {

namespace detail {

using ByteSet = std::array<bool, 256>;

constexpr ByteSet make_token_bytes() {
  ByteSet set{};
  for (unsigned c = '0'; c <= '9'; ++c)
    set[c] = true;
  for (unsigned c = 'a'; c <= 'z'; ++c)
    set[c] = set[c - 'a' + 'A'] = true;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~"))
    set[static_cast<uint8_t>(c)] = true;
  return set;
}

/// Everything but controls; tab is no control here, and bytes from 0x80 on are opaque text.
constexpr ByteSet make_text_bytes() {
  ByteSet set{};
  for (unsigned c = 0x20; c <= 0xff; ++c)
    set[c] = c != 0x7f;
  set['\t'] = true;
  return set;
}

inline constexpr ByteSet kTokenBytes = make_token_bytes();
inline constexpr ByteSet kTextBytes = make_text_bytes();

}  // namespace detail

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

constexpr bool is_hex_digit(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

constexpr bool is_token_byte(char c) { return detail::kTokenBytes[static_cast<uint8_t>(c)]; }

constexpr bool is_text_byte(char c) { return detail::kTextBytes[static_cast<uint8_t>(c)]; }

/// RFC 9110 section 5.6.2: one or more of the bytes a name may have.
constexpr bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_token_byte);
}

constexpr bool is_text(std::string_view text) { return std::ranges::all_of(text, is_text_byte); }

/// Without spaces and tabs at both ends (OWS, RFC 9110 section 5.6.3).
constexpr std::string_view trim(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_space(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && is_space(text.back()))
    text.remove_suffix(1);
  return text;
}

/// Digits and nothing else: no sign, no space, no prefix; nothing if they are too many for 64 bits.
inline std::optional<uint64_t> parse_number(std::string_view text, int base = 10) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// Takes the next element off a comma-separated list, trimmed; it may be empty.
constexpr std::string_view take_list_element(std::string_view& list) {
  const size_t comma = list.find(',');
  const std::string_view element = trim(list.substr(0, comma));
  list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
  return element;
}

}  // namespace forebay::http
