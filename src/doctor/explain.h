#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "doctor/host.h"

namespace forebay::doctor {

/// What `explain` knows about.
std::vector<std::string> topics();

/// A topic in a few sentences, with what this machine has. Errors: no such topic.
Result<std::string> explain(std::string_view topic, const Host& host);

}  // namespace forebay::doctor
