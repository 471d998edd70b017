#include "load/rate.h"

#include <array>
#include <charconv>
#include <limits>
#include <optional>

#include "base/text.h"
#include "load/wide.h"

namespace forebay::load {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t ns;
};

constexpr std::uint64_t kSecondNs = 1'000'000'000;
constexpr std::array<Unit, 8> kUnits{{{"ns", 1},
                                      {"us", 1000},
                                      {"\u00b5s", 1000},  // micro sign
                                      {"\u03bcs", 1000},  // Greek letter mu
                                      {"ms", 1'000'000},
                                      {"s", kSecondNs},
                                      {"m", 60 * kSecondNs},
                                      {"h", 3600 * kSecondNs}}};
constexpr std::uint64_t kNsMax = std::numeric_limits<std::int64_t>::max();

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view take_digits(std::string_view& text) {
  std::size_t size = 0;
  while (size < text.size() && is_digit(text[size]))
    ++size;
  const std::string_view digits = text.substr(0, size);
  text.remove_prefix(size);
  return digits;
}

const Unit* take_unit(std::string_view& text) {
  std::size_t size = 0;
  while (size < text.size() && !is_digit(text[size]) && text[size] != '.')
    ++size;
  for (const Unit& unit : kUnits) {
    if (unit.name == text.substr(0, size)) {
      text.remove_prefix(size);
      return &unit;
    }
  }
  return nullptr;
}

/// 0.DIGITS of a unit, cut to whole nanoseconds; digits after the 18th are too small to count.
Wide fraction_of(std::uint64_t unit_ns, std::string_view digits) {
  Wide value = 0;
  Wide scale = 1;
  for (const char digit : digits.substr(0, 18)) {
    value = value * 10 + static_cast<unsigned>(digit - '0');
    scale *= 10;
  }
  return value * unit_ns / scale;
}

/// One number with its unit, in nanoseconds; more than kNsMax if it is too long.
std::optional<Wide> take_part(std::string_view& text) {
  const std::string_view whole = take_digits(text);
  std::string_view fraction;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    fraction = take_digits(text);
  }
  if (whole.empty() && fraction.empty()) {
    return std::nullopt;
  }
  const Unit* unit = take_unit(text);
  if (unit == nullptr) {
    return std::nullopt;
  }
  std::uint64_t count = 0;
  if (!whole.empty() && std::from_chars(whole.begin(), whole.end(), count).ec != std::errc()) {
    return Wide{kNsMax} + 1;
  }
  return Wide{count} * unit->ns + fraction_of(unit->ns, fraction);
}

std::string with_fraction(std::uint64_t value, std::uint64_t unit_ns, std::string_view unit) {
  std::string text = std::to_string(value / unit_ns);
  if (std::uint64_t rest = value % unit_ns; rest != 0) {
    std::string digits;
    for (std::uint64_t scale = unit_ns / 10; rest != 0; scale /= 10) {
      digits += static_cast<char>('0' + rest / scale);
      rest %= scale;
    }
    text.append(".").append(digits);
  }
  return text.append(unit);
}

}  // namespace

Result<Duration> parse_go_duration(std::string_view text) {
  const auto bad = [text](std::string_view why) {
    return fail(format("\"{}\" is no duration{}: write it as 300ms, 5s, 1m30s or 2h", text, why));
  };
  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) {
    rest.remove_prefix(1);
  }
  if (rest == "0") {
    return Duration{0};
  }
  if (rest.empty()) {
    return bad("");
  }
  Wide sum = 0;
  while (!rest.empty()) {
    const std::optional<Wide> part = take_part(rest);
    if (!part) {
      return bad("");
    }
    sum += *part;
    if (sum > kNsMax) {
      return bad(" of less than 292 years");
    }
  }
  const auto ns = static_cast<std::int64_t>(sum);
  return Duration{negative ? -ns : ns};
}

std::string go_duration(Duration duration) {
  if (duration == Duration{0}) {
    return "0s";
  }
  const bool negative = duration < Duration{0};
  // Negated without a sign: the smallest number has no positive one.
  std::uint64_t ns = static_cast<std::uint64_t>(duration.count());
  if (negative) ns = 0 - ns;
  std::string text = negative ? "-" : "";
  if (ns < 1000) return text.append(with_fraction(ns, 1, "ns"));
  if (ns < 1'000'000) return text.append(with_fraction(ns, 1000, "\u00b5s"));
  if (ns < kSecondNs) return text.append(with_fraction(ns, 1'000'000, "ms"));
  const std::uint64_t minutes = ns / (60 * kSecondNs);
  if (minutes >= 60) text.append(std::to_string(minutes / 60)).append("h");
  if (minutes > 0) text.append(std::to_string(minutes % 60)).append("m");
  return text.append(with_fraction(ns % (60 * kSecondNs), kSecondNs, "s"));
}

Result<Rate> parse_rate(std::string_view text) {
  if (text == "infinity") {
    return Rate{0, std::chrono::seconds(1)};
  }
  std::string_view rest = text;
  const std::string_view digits = take_digits(rest);
  Rate rate;
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), rate.hits);
  if (error == std::errc::result_out_of_range) {
    return fail(format("\"{}\" is no rate: that many hits do not fit into 64 bits", text));
  }
  if (error != std::errc() || (!rest.empty() && !rest.starts_with('/'))) {
    return fail(format(
        "\"{}\" is no rate: write it as 50, 50/1m30s or 50/m; 0 is as fast as possible", text));
  }
  if (rest.empty()) {
    return rate;
  }
  rest.remove_prefix(1);
  const bool bare_unit = !rest.empty() && !is_digit(rest.front()) && rest.front() != '.';
  const Result<Duration> per =
      parse_go_duration(bare_unit ? format("1{}", rest) : std::string(rest));
  if (!per || *per <= Duration{0}) {
    return fail(format(
        "\"{}\" is no rate: after the slash stands a time above zero, as 1s, 1m30s or m", text));
  }
  rate.per = *per;
  return rate;
}

std::string rate_text(const Rate& rate) {
  return format("{}/{}", rate.hits, go_duration(rate.per));
}

}  // namespace forebay::load
