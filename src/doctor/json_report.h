#pragma once

#include <vector>

#include "base/json.h"
#include "doctor/host.h"
#include "doctor/probe.h"
#include "doctor/rules.h"
#include "doctor/watch.h"

namespace forebay::doctor {

/// Of what --json prints; higher when a key changes its meaning or goes.
inline constexpr int kSchemaVersion = 1;

/// All that was seen, and what is wrong with it.
Json to_json(const Host& host, const std::vector<Finding>& findings);
/// The fullest queue of a watch, or null.
Json to_json(const Fill& fill);
/// How a URL was answered.
Json to_json(const std::vector<ProbeStep>& steps);

}  // namespace forebay::doctor
