#include "cli/arguments.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/text.h"

namespace forebay::cli {
namespace {

/// How many letters must be changed, added or left out to make the one word from the other.
std::size_t distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < to.size(); ++j) {
      const std::size_t changed = diagonal + (from[i] == to[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

/// The name of an option that `name` is a slip of; "" if none is near.
std::string meant(const CLI::App& app, std::string_view name) {
  std::size_t nearest = 3;
  std::string found;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& long_name : option->get_lnames()) {
      const std::size_t letters = distance(name, long_name);
      if (letters < std::min(nearest, long_name.size() / 2) && !option->get_group().empty()) {
        nearest = letters;
        found = long_name;
      }
    }
  }
  return found;
}

/// What to say of `extras`: the first option among them, as the words behind it may be its value.
std::string unexpected(const CLI::App& app, const std::vector<std::string>& extras) {
  const auto option = std::ranges::find_if(
      extras, [](const std::string& word) { return word.size() > 1 && word[0] == '-'; });
  if (option == extras.end()) {
    return format("'{}': one argument too many", extras.front());
  }
  const std::string name = option->substr(0, option->find('='));
  const std::string near = meant(app, name.substr(name.find_first_not_of('-')));
  return format("{}: no such option{}", name,
                near.empty() ? "" : format(". Did you mean --{}?", near));
}

/// `arguments`: the last one first, as CLI11 wants them.
std::optional<int> parse(CLI::App& app, std::vector<std::string> arguments) {
  app.failure_message(CLI::FailureMessage::simple);
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::ExtrasError&) {
    std::fprintf(stderr, "%s\nRun with --help for more information.\n",
                 unexpected(app, app.remaining()).c_str());
    return 2;
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
