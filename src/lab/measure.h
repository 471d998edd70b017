#pragma once

#include <optional>

#include "lab/result.h"

namespace forebay::lab {

/// Answers with 200 that came within [from, until), as a part of what the workers can do in that
/// time: 1 is all.
double useful_capacity(const Run& run, double from, double until);

/// Requests that were run although nobody got their answer.
std::uint64_t in_vain(const Run& run);

/// How long after `end` it took until all was well: from then on every request was answered with
/// 200 within `prompt` seconds. None: that never came.
std::optional<double> well_again(const Run& run, double end, double prompt);

}  // namespace forebay::lab
