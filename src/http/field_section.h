#pragma once

#include <cstdint>
#include <expected>
#include <string_view>
#include <vector>

#include "http/request.h"

namespace forebay::http {

/// What llhttp makes of the framing fields: the second opinion beside our own rules.
struct FramingOpinion {
  bool chunked = false;
  uint64_t content_length = 0;
};

/// Splits a field section into fields, by llhttp. `section`: whole lines that LineBlock has let
/// through, the empty line at the end included. Appends views of it to `fields`.
std::expected<FramingOpinion, ParseError> read_field_section(std::string_view section,
                                                             std::vector<Field>& fields);

}  // namespace forebay::http
