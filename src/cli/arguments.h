#pragma once

#include <optional>

namespace CLI {  // NOLINT(readability-identifier-naming)
class App;
}

namespace forebay::cli {

/// Reads the arguments into the options of `app`. An exit code if that was all: 0 after --help, 2
/// after a message about what is wrong.
std::optional<int> parse(CLI::App& app, int argc, char** argv);

/// The same for the commands that vegeta's scripts call: `-rate=5` means `--rate=5`, and of
/// an option that comes twice the last one counts, as in Go.
std::optional<int> parse_go_style(CLI::App& app, int argc, char** argv);

}  // namespace forebay::cli
