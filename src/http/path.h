#pragma once

#include <optional>
#include <string_view>

namespace forebay::http {

/// What comes after `prefix` in the path of a request, which is compared as it is meant: %41 is A
/// (RFC 3986 section 2.1). Nothing: the path does not begin so. Both may have a query.
[[nodiscard]] std::optional<std::string_view> after_prefix(std::string_view path,
                                                           std::string_view prefix);

}  // namespace forebay::http
