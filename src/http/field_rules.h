#pragma once

#include <expected>
#include <vector>

#include "http/field_section.h"
#include "http/request.h"

namespace forebay::http {

/// What the fields of a request mean for the server, and which of them an application may see (RFC
/// 9110 and 9112; where they leave a choice, the strict one).
///
/// In: `head.minor_version`, `head.host` (the authority of an absolute-form target, else empty),
/// and all fields. Out: the rest of `head`, `fields` without those that are not passed on. `second`
/// must agree on the framing.
std::expected<void, ParseError> apply_field_rules(const RequestLimits& limits,
                                                  const FramingOpinion& second,
                                                  std::vector<Field>& fields, RequestHead& head);

}  // namespace forebay::http
