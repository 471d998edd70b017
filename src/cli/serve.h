#pragma once

#include "cli/serve_options.h"

namespace forebay::cli {

/// `forebay serve`: runs until it is told to stop. Returns the exit code: 0 stopped by a signal,
/// 1 cannot start, 3 a worker failed to boot, 4 the application cannot be used.
int serve(ServeOptions options);

}  // namespace forebay::cli
