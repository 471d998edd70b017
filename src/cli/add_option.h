#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/text.h"
#include "cli/units.h"

/// How the options of `serve` are declared.
namespace forebay::cli {

inline constexpr std::size_t kOne = 1;
inline constexpr std::size_t kMany = std::size_t{1} << 20;

/// An option whose value is read by one of our own parsers.
template <typename T, typename Parse>
CLI::Option* add_parsed(CLI::App& command, const std::string& flags, T& target, Parse parse,
                        const std::string& help, const std::string& type,
                        const std::string& shown_default) {
  CLI::Option* option = command.add_option_function<std::string>(
      flags,
      [&target, parse, flags](const std::string& text) {
        auto value = parse(text);
        if (!value) {
          throw CLI::ValidationError(flags.substr(flags.find("--")), value.error().message);
        }
        target = static_cast<T>(*value);
      },
      help);
  return option->type_name(type)->default_str(shown_default);
}

/// A whole number within bounds.
template <typename T>
CLI::Option* add_count(CLI::App& command, const std::string& flags, T& target, T least, T most,
                       const std::string& help) {
  return command.add_option(flags, target, help)
      ->check(CLI::Range(least, most).description(""))
      ->type_name("N")
      ->capture_default_str();
}

/// An option of a program like us that is not offered: whoever gives it, with a value or without,
/// is told so.
inline void add_refused(CLI::App& command, const std::string& flags, const std::string& why) {
  command
      .add_option_function<std::vector<std::string>>(
          flags,
          [name = flags.substr(flags.find("--")), why](const std::vector<std::string>&) {
            throw CLI::ValidationError(name, "not offered: " + why);
          },
          "Not offered: " + why)
      ->expected(0, 1)
      ->group("");
}

inline CLI::Validator above_zero() {
  return CLI::Validator(
      [](const std::string& text) {
        const bool above = !text.starts_with('-') && text.find_first_not_of('0') != text.npos;
        return std::string(above ? "" : "must be more than 0");
      },
      "");
}

inline CLI::Validator existing_directory() {
  return CLI::Validator(CLI::ExistingDirectory).description("");
}

inline Result<std::uint64_t> parse_positive_bytes(std::string_view text) {
  Result<std::uint64_t> bytes = parse_bytes(text);
  return bytes && *bytes == 0 ? fail("must be more than 0") : bytes;
}

inline Result<Duration> parse_positive_duration(std::string_view text) {
  Result<Duration> duration = parse_duration(text);
  return duration && *duration <= Duration{0} ? fail("must be more than 0") : duration;
}

}  // namespace forebay::cli
