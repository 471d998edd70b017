#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace forebay {

/// Base64 with the standard alphabet and padding, RFC 4648 section 4.
void append_base64(std::string_view bytes, std::string& out);

/// Nothing: a character outside the alphabet, or padding that is missing or not at the end.
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text);

}  // namespace forebay
