#include "load/go_format.h"

#include <cmath>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace forebay::load {
namespace {

using Rows = std::vector<std::pair<std::int64_t, const char*>>;

TEST(GoFormat, RoundsDurationsAsTheReportDoes) {
  for (const auto& [ns, text] : Rows{{0, "0s"},
                                     {999, "999ns"},
                                     {156'862, "156.862µs"},
                                     {1'234'567, "1.235ms"},
                                     {899'999'894, "900ms"},
                                     {999'999'500, "1s"},
                                     {1'114'499'999, "1.114s"},
                                     {10'590'887'333, "10.591s"},
                                     {59'999'600'000, "1m0s"},
                                     {64'500'000'000, "1m5s"},
                                     {90'400'000'000, "1m30s"},
                                     {3'599'600'000'000, "1h0m0s"},
                                     {3'750'000'000'000, "1h3m0s"},
                                     {-1'234'567, "-1.234567ms"},
                                     {INT64_MAX, "2562047h47m0s"}}) {
    EXPECT_EQ(go_rounded(Duration{ns}), text) << ns;
  }
}

TEST(GoFormat, WritesFloatsAsGosJson) {
  EXPECT_EQ(go_float(40), "40");
  EXPECT_EQ(go_float(0), "0");
  EXPECT_EQ(go_float(100'000), "100000");
  EXPECT_EQ(go_float(0.9725), "0.9725");
  EXPECT_EQ(go_float(1.000100010001), "1.000100010001");
  EXPECT_EQ(go_float(0.000001), "0.000001");
  EXPECT_EQ(go_float(0.0000001), "1e-7");
  EXPECT_EQ(go_float(1e20), "100000000000000000000");
  EXPECT_EQ(go_float(1e21), "1e+21");
  EXPECT_EQ(go_float(std::nan("")), "0");
}

TEST(GoFormat, PadsByCharactersNotBytes) {
  EXPECT_EQ(padded("5µs", 5), "5µs  ");
  EXPECT_EQ(padded("longer", 3), "longer");
}

}  // namespace
}  // namespace forebay::load
