#pragma once

#include <vector>

#include "base/json.h"
#include "doctor/host.h"
#include "doctor/rules.h"

namespace forebay::doctor {

/// Of what --json prints; higher when a key changes its meaning or goes.
inline constexpr int kSchemaVersion = 1;

/// All that was seen, and what is wrong with it.
Json to_json(const Host& host, const std::vector<Finding>& findings);

}  // namespace forebay::doctor
