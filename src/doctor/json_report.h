#pragma once

#include "base/json.h"
#include "doctor/host.h"

namespace forebay::doctor {

/// Of what --json prints; higher when a key changes its meaning or goes.
inline constexpr int kSchemaVersion = 1;

/// All that was seen.
Json to_json(const Host& host);

}  // namespace forebay::doctor
