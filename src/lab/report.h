#pragma once

#include <string>

#include "lab/result.h"

namespace forebay::lab {

/// For a terminal: the runs side by side, what was promised, the verdict.
std::string report(const Experiment& experiment, bool colors);

}  // namespace forebay::lab
