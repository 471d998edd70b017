#pragma once

#include "doctor/host.h"

namespace forebay::doctor {

/// Looks at this machine once: reads, changes nothing, and takes milliseconds. What it may not see
/// is in `unseen`.
Host scan();

}  // namespace forebay::doctor
