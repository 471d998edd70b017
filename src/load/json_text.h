#pragma once

#include <string>
#include <string_view>

namespace forebay::load {

/// Appends a JSON string as Go and its libraries write it: `<`, `>`, `&`, U+2028 and U+2029 are
/// escaped too, and a byte that is no UTF-8 becomes \ufffd.
void append_json(std::string_view text, std::string& out);

}  // namespace forebay::load
