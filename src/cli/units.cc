#include "cli/units.h"

#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "base/text.h"

namespace forebay::cli {
namespace {

struct Number {
  double value;
  std::string_view unit;
};

std::optional<Number> split(std::string_view text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  if (error != std::errc() || !(value >= 0)) {
    return std::nullopt;
  }
  return Number{value, {rest, static_cast<std::size_t>(end - rest)}};
}

/// value * factor of the unit, or nothing if the unit is unknown.
template <std::size_t N>
std::optional<double> scale(const Number& number,
                            const std::array<std::pair<std::string_view, double>, N>& units) {
  for (const auto& [name, factor] : units) {
    if (equal_ignoring_case(name, number.unit)) {
      return number.value * factor;
    }
  }
  return std::nullopt;
}

constexpr std::array<std::pair<std::string_view, double>, 5> kTimeUnits{
    {{"", 1}, {"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}}};
constexpr std::array<std::pair<std::string_view, double>, 7> kByteUnits{{{"", 1},
                                                                         {"b", 1},
                                                                         {"k", 1 << 10},
                                                                         {"kb", 1 << 10},
                                                                         {"m", 1 << 20},
                                                                         {"g", 1 << 30},
                                                                         {"mb", 1 << 20}}};
constexpr double kSecondsMax = 366.0 * 86400;
constexpr double kBytesMax = 1e15;
constexpr unsigned kModeMax = 0777;

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  const std::optional<Number> number = split(text);
  const std::optional<double> seconds = number ? scale(*number, kTimeUnits) : std::nullopt;
  if (!seconds || *seconds > kSecondsMax) {
    return fail(format("'{}' is no duration: write seconds, or 250ms, 30s, 2m, 1h", text));
  }
  return from_seconds(*seconds);
}

Result<std::uint64_t> parse_bytes(std::string_view text) {
  const std::optional<Number> number = split(text);
  const std::optional<double> bytes = number ? scale(*number, kByteUnits) : std::nullopt;
  if (!bytes || *bytes > kBytesMax) {
    return fail(format("'{}' is no size: write bytes, or 64k, 10M, 1G", text));
  }
  return static_cast<std::uint64_t>(*bytes);
}

Result<unsigned> parse_umask(std::string_view text) {
  const bool octal = text.starts_with('0') || text.size() == 1;
  const std::string_view digits = text.starts_with("0o") ? text.substr(2) : text;
  unsigned mode = 0;
  const char* end = digits.data() + digits.size();
  const auto [read, error] = std::from_chars(digits.data(), end, mode, 8);
  if (!octal || error != std::errc() || read != end || mode > kModeMax) {
    return fail(format("'{}' is no mode: write it in octal, 0000 to 0777", text));
  }
  return mode;
}

}  // namespace forebay::cli
