#include <chrono>

#include "http/response.h"

namespace forebay::http {
namespace {

void put_two_digits(char* at, unsigned number) {
  at[0] = static_cast<char>('0' + number / 10 % 10);
  at[1] = static_cast<char>('0' + number % 10);
}

}  // namespace

HttpDate http_date(int64_t seconds_since_epoch) {
  static constexpr std::string_view kDays = "SunMonTueWedThuFriSat";
  static constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const std::chrono::sys_seconds time{std::chrono::seconds(seconds_since_epoch)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  const size_t weekday = std::chrono::weekday(day).c_encoding();
  const size_t month = static_cast<unsigned>(date.month());
  const unsigned year = static_cast<unsigned>(static_cast<int>(date.year()));

  HttpDate text;
  std::string_view("Www, dd Mmm yyyy hh:mm:ss GMT").copy(text.data(), text.size());
  kDays.substr(weekday * 3, 3).copy(text.data(), 3);
  put_two_digits(text.data() + 5, static_cast<unsigned>(date.day()));
  kMonths.substr((month - 1) * 3, 3).copy(text.data() + 8, 3);
  put_two_digits(text.data() + 12, year / 100);
  put_two_digits(text.data() + 14, year);
  put_two_digits(text.data() + 17, static_cast<unsigned>(clock.hours().count()));
  put_two_digits(text.data() + 20, static_cast<unsigned>(clock.minutes().count()));
  put_two_digits(text.data() + 23, static_cast<unsigned>(clock.seconds().count()));
  return text;
}

}  // namespace forebay::http
