#pragma once

#include <span>

#include "lab/result.h"
#include "load/page.h"

namespace forebay::lab {

/// Experiments as a page to look at and to send to a colleague: the verdicts, what was foretold and
/// what came, and for each scenario the charts of its runs beside each other.
[[nodiscard]] load::Page page(std::span<const Experiment> experiments);

}  // namespace forebay::lab
