#include "load/go_format.h"

#include <time.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "base/json.h"
#include "base/text.h"
#include "load/rate.h"
#include "load/saturate.h"

namespace forebay::load {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

/// ".5" for half a second, "" for none.
std::string decimals(std::int64_t ns) {
  std::string digits = format(".{:09}", ns);
  digits.erase(digits.find_last_not_of('0') + 1);
  return digits == "." ? "" : digits;
}

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

std::string go_string(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kEscapes{
      {{"<", "\\u003c"},
       {">", "\\u003e"},
       {"&", "\\u0026"},
       {"\xe2\x80\xa8", "\\u2028"},
       {"\xe2\x80\xa9", "\\u2029"}}};
  std::string quoted = dump(Json(std::string(text)));
  for (const auto& [from, to] : kEscapes) {
    for (std::size_t at = 0; (at = quoted.find(from, at)) != std::string::npos; at += to.size()) {
      quoted.replace(at, from.size(), to);
    }
  }
  return quoted;
}

std::string go_time(std::int64_t unix_ns) {
  if (unix_ns == 0) {
    return "0001-01-01T00:00:00Z";
  }
  constexpr std::int64_t kSecond = 1'000'000'000;
  const std::int64_t fraction = (unix_ns % kSecond + kSecond) % kSecond;
  const std::time_t whole = (unix_ns - fraction) / kSecond;
  std::tm local{};
  localtime_r(&whole, &local);
  std::string text =
      format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", local.tm_year + 1900, local.tm_mon + 1,
             local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec);
  text += decimals(fraction);
  if (local.tm_gmtoff == 0) {
    return text + "Z";
  }
  const long offset = std::abs(local.tm_gmtoff) / 60;
  return text + format("{}{:02}:{:02}", local.tm_gmtoff < 0 ? '-' : '+', offset / 60, offset % 60);
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
