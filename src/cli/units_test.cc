#include "cli/units.h"

#include <gtest/gtest.h>

namespace forebay::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Duration, ReadsSecondsAndUnits) {
  EXPECT_EQ(parse_duration("30"), seconds(30));
  EXPECT_EQ(parse_duration("1.5s"), milliseconds(1500));
  EXPECT_EQ(parse_duration("250ms"), milliseconds(250));
  EXPECT_EQ(parse_duration("2m"), seconds(120));
  EXPECT_EQ(parse_duration("1h"), seconds(3600));
  EXPECT_EQ(parse_duration("0"), seconds(0));
}

TEST(Duration, RefusesWhatIsNone) {
  for (const char* text : {"", "s", "-1", "1d", "1 s", "ten", "1e9", "99999h", "nan", "inf"}) {
    EXPECT_FALSE(parse_duration(text).has_value()) << text;
  }
}

TEST(Bytes, ReadsPowersOf1024) {
  EXPECT_EQ(parse_bytes("4096"), 4096U);
  EXPECT_EQ(parse_bytes("64k"), 65536U);
  EXPECT_EQ(parse_bytes("10M"), 10U << 20);
  EXPECT_EQ(parse_bytes("1G"), 1U << 30);
  EXPECT_EQ(parse_bytes("0.5k"), 512U);
}

TEST(Bytes, RefusesWhatIsNone) {
  for (const char* text : {"", "k", "-1", "1x", "1e30", "9999999999G"}) {
    EXPECT_FALSE(parse_bytes(text).has_value()) << text;
  }
}

TEST(Umask, ReadsOctal) {
  EXPECT_EQ(parse_umask("0"), 0U);
  EXPECT_EQ(parse_umask("7"), 7U);
  EXPECT_EQ(parse_umask("007"), 7U);
  EXPECT_EQ(parse_umask("0o27"), 027U);
  EXPECT_EQ(parse_umask("0777"), 0777U);
}

TEST(Umask, RefusesWhatIsNoneOrHasTwoMeanings) {
  for (const char* text : {"", "8", "22", "01000", "0o", "0x7", "-1", "u=rwx"}) {
    EXPECT_FALSE(parse_umask(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace forebay::cli
