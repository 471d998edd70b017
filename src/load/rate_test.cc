#include "load/rate.h"

#include <limits>

#include <gtest/gtest.h>

namespace forebay::load {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(GoDuration, IsReadAsGoReadsIt) {
  EXPECT_EQ(parse_go_duration("0"), Duration{0});
  EXPECT_EQ(parse_go_duration("500ms"), milliseconds(500));
  EXPECT_EQ(parse_go_duration("1h2m3.5s"), hours(1) + minutes(2) + milliseconds(3500));
  EXPECT_EQ(parse_go_duration("1.5h"), minutes(90));
  EXPECT_EQ(parse_go_duration(".5s"), milliseconds(500));
  EXPECT_EQ(parse_go_duration("5.s"), seconds(5));
  EXPECT_EQ(parse_go_duration("-1.5s"), -milliseconds(1500));
  EXPECT_EQ(parse_go_duration("+5s"), seconds(5));
  EXPECT_EQ(parse_go_duration("2us"), microseconds(2));
  EXPECT_EQ(parse_go_duration("2\u00b5s"), microseconds(2));
  EXPECT_EQ(parse_go_duration("2\u03bcs"), microseconds(2));
  EXPECT_EQ(parse_go_duration("1.9ns"), Duration{1});
  EXPECT_EQ(parse_go_duration("0.3333333333333333333333h"), Duration{1'199'999'999'999});
  EXPECT_EQ(parse_go_duration("9223372036854775807ns"), Duration::max());
}

TEST(GoDuration, RefusesWhatGoRefuses) {
  for (const char* text :
       {"", "-", "5", "s", ".s", "1d", "1 s", "1s ", "1e3s", "9223372036854775808ns",
        "99999999999999999999h", "300000h2562048h", "1s-1s"}) {
    EXPECT_FALSE(parse_go_duration(text).has_value()) << text;
  }
}

TEST(GoDuration, IsPrintedAsGoPrintsIt) {
  EXPECT_EQ(go_duration(Duration{0}), "0s");
  EXPECT_EQ(go_duration(Duration{1}), "1ns");
  EXPECT_EQ(go_duration(Duration{1100}), "1.1\u00b5s");
  EXPECT_EQ(go_duration(microseconds(2200)), "2.2ms");
  EXPECT_EQ(go_duration(milliseconds(3300)), "3.3s");
  EXPECT_EQ(go_duration(minutes(4) + milliseconds(5001)), "4m5.001s");
  EXPECT_EQ(go_duration(hours(1)), "1h0m0s");
  EXPECT_EQ(go_duration(-milliseconds(1500)), "-1.5s");
  EXPECT_EQ(go_duration(Duration::max()), "2562047h47m16.854775807s");
  EXPECT_EQ(go_duration(Duration::min()), "-2562047h47m16.854775808s");
}

TEST(Rate, IsReadAsVegetaReadsIt) {
  EXPECT_EQ(parse_rate("50"), (Rate{50, seconds(1)}));
  EXPECT_EQ(parse_rate("50/1s"), (Rate{50, seconds(1)}));
  EXPECT_EQ(parse_rate("50/m"), (Rate{50, minutes(1)}));
  EXPECT_EQ(parse_rate("100/1m30s"), (Rate{100, seconds(90)}));
  EXPECT_EQ(parse_rate("1/\u00b5s"), (Rate{1, microseconds(1)}));
  EXPECT_EQ(parse_rate("18446744073709551615"),
            (Rate{std::numeric_limits<std::uint64_t>::max(), seconds(1)}));
}

TEST(Rate, OfNothingOrInfinityIsAsFastAsPossible) {
  EXPECT_EQ(parse_rate("0")->hits, 0U);
  EXPECT_EQ(parse_rate("infinity")->hits, 0U);
}

TEST(Rate, RefusesWhatIsNone) {
  for (const char* text : {"", "x", "-1", "1.5", "50/", "50/0s", "50/-1s", "50/5", "50/1d", "50s",
                           "/s", "50/1s/1s", "18446744073709551616", "1e3"}) {
    EXPECT_FALSE(parse_rate(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace forebay::load
