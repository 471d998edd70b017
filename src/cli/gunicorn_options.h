#pragma once

#include <CLI/CLI.hpp>

namespace forebay::cli {

/// The options of gunicorn that are not offered: whoever gives one is told what to do instead.
void refuse_gunicorn_options(CLI::App& command);

}  // namespace forebay::cli
