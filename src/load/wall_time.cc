#include "load/wall_time.h"

#include <charconv>
#include <chrono>
#include <ctime>

#include "base/text.h"

namespace forebay::load {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;
constexpr std::size_t kDecimalsMax = 9;

/// Takes what it reads off the front of a text; once something does not fit, nothing does.
class Parts {
 public:
  explicit Parts(std::string_view text) : rest_(text) {}

  /// Exactly so many digits.
  int number(std::size_t digits, int max) {
    int value = 0;
    const std::string_view text = rest_.substr(0, digits);
    const auto [end, error] = std::from_chars(text.begin(), text.end(), value);
    ok_ = ok_ && error == std::errc() && text.size() == digits && end == text.end() &&
          text[0] != '-' && value <= max;
    rest_.remove_prefix(text.size());
    return value;
  }
  /// One of the characters, or 0.
  char one_of(std::string_view characters) {
    if (rest_.empty() || !characters.contains(rest_[0])) {
      ok_ = false;
      return 0;
    }
    const char character = rest_[0];
    rest_.remove_prefix(1);
    return character;
  }
  /// Nanoseconds of ".25"; no decimals are 0. Digits beyond the ninth are cut.
  std::int64_t decimals() {
    if (!rest_.starts_with('.')) {
      return 0;
    }
    rest_.remove_prefix(1);
    std::int64_t value = 0;
    std::size_t digits = 0;
    for (; !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9'; rest_.remove_prefix(1)) {
      value = digits < kDecimalsMax ? value * 10 + (rest_[0] - '0') : value;
      ++digits;
    }
    ok_ = ok_ && digits > 0;
    for (; digits < kDecimalsMax; ++digits) {
      value *= 10;
    }
    return value;
  }
  [[nodiscard]] bool whole() const { return ok_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

/// Seconds; 0 for "Z".
int offset_from_utc(Parts& parts) {
  const char sign = parts.one_of("Zz+-");
  if (sign != '+' && sign != '-') {
    return 0;
  }
  const int hours = parts.number(2, 23);
  parts.one_of(":");
  const int seconds = (hours * 60 + parts.number(2, 59)) * 60;
  return sign == '-' ? -seconds : seconds;
}

}  // namespace

WallTime split_time(std::int64_t at_ns) {
  WallTime time{.seconds = at_ns / kSecondNs, .nanoseconds = at_ns % kSecondNs};
  if (time.nanoseconds < 0) {
    time.nanoseconds += kSecondNs;
    --time.seconds;
  }
  return time;
}

std::optional<std::int64_t> join_time(WallTime time) {
  // Before the epoch 64 bits may hold the time, but not its second, which began earlier.
  if (time.seconds < 0 && time.nanoseconds > 0) {
    time.nanoseconds -= kSecondNs;
    ++time.seconds;
  }
  std::int64_t at_ns = 0;
  if (__builtin_mul_overflow(time.seconds, kSecondNs, &at_ns) ||
      __builtin_add_overflow(at_ns, time.nanoseconds, &at_ns)) {
    return std::nullopt;
  }
  return at_ns;
}

void append_rfc3339(std::int64_t at_ns, std::string& out) {
  const auto [seconds, fraction] = split_time(at_ns);
  std::tm at{};
  ::localtime_r(&seconds, &at);
  fmt::format_to(std::back_inserter(out), "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", at.tm_year + 1900,
                 at.tm_mon + 1, at.tm_mday, at.tm_hour, at.tm_min, at.tm_sec);
  if (fraction != 0) {
    fmt::format_to(std::back_inserter(out), ".{:09}", fraction);
    out.erase(out.find_last_not_of('0') + 1);
  }
  const long minutes = at.tm_gmtoff / 60;
  if (minutes == 0) {
    out.push_back('Z');
    return;
  }
  const long size = minutes < 0 ? -minutes : minutes;
  fmt::format_to(std::back_inserter(out), "{}{:02}:{:02}", minutes < 0 ? '-' : '+', size / 60,
                 size % 60);
}

std::optional<std::int64_t> parse_rfc3339(std::string_view text) {
  Parts parts(text);
  const int year = parts.number(4, 9999);
  parts.one_of("-");
  const int month = parts.number(2, 12);
  parts.one_of("-");
  const int day = parts.number(2, 31);
  parts.one_of("Tt ");
  const int hour = parts.number(2, 23);
  parts.one_of(":");
  const int minute = parts.number(2, 59);
  parts.one_of(":");
  const int second = parts.number(2, 60);  // a leap second
  const std::int64_t fraction = parts.decimals();
  const int offset = offset_from_utc(parts);

  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!parts.whole() || !date.ok()) {
    return std::nullopt;
  }
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  const std::int64_t seconds = days * 86400 + hour * 3600 + minute * 60 + second - offset;
  return join_time({.seconds = seconds, .nanoseconds = fraction});
}

}  // namespace forebay::load
