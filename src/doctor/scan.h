#pragma once

#include <cstdint>

#include "doctor/host.h"

namespace forebay::doctor {

enum class Networks : std::uint8_t { kAll, kOwn };

/// Looks at this machine once: reads, changes nothing, and takes milliseconds. What it may not see
/// is in `unseen`.
Host scan(Networks which = Networks::kAll);

}  // namespace forebay::doctor
