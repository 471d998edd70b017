#pragma once

#include <nlohmann/json.hpp>

namespace forebay {

/// Keys keep the order in which they were written.
using Json = nlohmann::ordered_json;

/// One line of text; bytes that are no UTF-8 are replaced, never an exception.
[[nodiscard]] inline std::string dump(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace forebay
