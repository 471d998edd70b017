#include "load/go_format.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "load/rate.h"
#include "load/saturate.h"

namespace forebay::load {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

/// Half away from zero; `value` is not negative.
Duration round_to(Duration value, Duration unit) {
  const Duration rest = value % unit;
  return rest + rest < unit ? value - rest : sum(value - rest, unit);
}

}  // namespace

std::string go_rounded(Duration value) {
  static constexpr std::array<std::pair<Duration, Duration>, 4> kSteps{
      {{hours{1}, minutes{1}},
       {minutes{1}, seconds{1}},
       {seconds{1}, milliseconds{1}},
       {milliseconds{1}, microseconds{1}}}};
  for (const auto& [from, unit] : kSteps) {
    if (value >= from) {
      return go_duration(round_to(value, unit));
    }
  }
  return go_duration(value);
}

double go_seconds(Duration value) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  return static_cast<double>(value.count() / kSecond) +
         static_cast<double>(value.count() % kSecond) / 1e9;
}

std::string go_float(double value) {
  if (!std::isfinite(value)) {
    return "0";
  }
  const double size = std::fabs(value);
  const bool fixed = size == 0 || (size >= 1e-6 && size < 1e21);
  std::array<char, 64> digits{};
  const auto end = std::to_chars(digits.begin(), digits.end(), value,
                                 fixed ? std::chars_format::fixed : std::chars_format::scientific)
                       .ptr;
  std::string text(digits.begin(), end);
  // encoding/json writes e-9, not e-09.
  if (const std::size_t zero = text.find("e-0"); zero != std::string::npos) {
    text.erase(zero + 2, 1);
  }
  return text;
}

std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string padded(std::string_view text, std::size_t width) {
  std::string cell(text);
  cell.append(width - std::min(width, columns(text)), ' ');
  return cell;
}

}  // namespace forebay::load
