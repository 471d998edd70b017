#pragma once

#include "base/result.h"
#include "front/settings.h"

namespace CLI {  // NOLINT(readability-identifier-naming)
class App;
}

namespace forebay::cli {

/// The options about the queue. `settings` must outlive their parsing; after it, check_queue().
void add_queue_options(CLI::App& command, front::Settings& settings);
/// Errors: options that contradict each other, and what to change.
Result<void> check_queue(const front::Settings& settings);

}  // namespace forebay::cli
