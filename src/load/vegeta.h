#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "load/hit.h"

/// Where the hits of vegeta differ from ours.
namespace forebay::load {

/// In vegeta's streams a code is of a whole answer: 0 if it broke.
[[nodiscard]] int vegeta_code(const Hit& hit);

/// What went wrong with a hit of which only code and error are known, by the words that Go's
/// net/http and we use.
[[nodiscard]] Failure failure_of(int code, std::string_view error);

/// Fields of one name together, sorted by name; names as Go writes them ("Content-Type"), and left
/// alone if they are none (RFC 9110 section 5.6.2). Good as long as `fields`.
using HeaderGroups = std::map<std::string, std::vector<std::string_view>>;
[[nodiscard]] HeaderGroups group_headers(const HeaderFields& fields);

}  // namespace forebay::load
