#include "cli/arguments.h"

#include <cctype>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

namespace forebay::cli {
namespace {

/// `arguments`: the last one first, as CLI11 wants them.
std::optional<int> parse(CLI::App& app, std::vector<std::string> arguments) {
  app.failure_message(CLI::FailureMessage::simple);
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return std::nullopt;
}

std::vector<std::string> reversed(int argc, char** argv) {
  std::vector<std::string> arguments;
  for (int i = argc - 1; i > 0; --i) {
    arguments.emplace_back(argv[i]);
  }
  return arguments;
}

/// A single hyphen before a word of two letters or more.
bool go_flag(std::string_view text) {
  return text.size() > 2 && text[0] == '-' && std::isalpha(static_cast<unsigned char>(text[1])) &&
         text[2] != '=';
}

}  // namespace

std::optional<int> parse(CLI::App& app, int argc, char** argv) {
  return parse(app, reversed(argc, argv));
}

std::optional<int> parse_go_style(CLI::App& app, int argc, char** argv) {
  for (CLI::Option* option : app.get_options()) {
    if (option->get_items_expected_max() == 1) {
      option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    }
  }
  std::vector<std::string> arguments = reversed(argc, argv);
  for (std::string& argument : arguments) {
    if (go_flag(argument)) {
      argument.insert(argument.begin(), '-');
    }
  }
  return parse(app, std::move(arguments));
}

}  // namespace forebay::cli
