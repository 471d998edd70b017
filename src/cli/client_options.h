#pragma once

#include "cli/serve_options.h"

namespace forebay::cli {

/// The options about clients and about proxies in front of us.
void add_client_options(CLI::App& command, ServeOptions& options);

}  // namespace forebay::cli
