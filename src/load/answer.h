#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "http/field.h"
#include "load/hit.h"

/// What of an answer goes into its hit, whatever the version of HTTP.
namespace forebay::load {

void take_head(Hit& hit, int status, std::string_view reason, std::span<const http::Field> fields);
/// `kept_max` as of ClientOptions::body_kept_max.
void take_body(Hit& hit, std::string_view piece, std::int64_t kept_max);

}  // namespace forebay::load
