#include "base/hdr_histogram.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace forebay {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

std::vector<Duration> random_values(std::size_t count) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> exponent(0, std::log(3.6e12));
  std::vector<Duration> values(count);
  for (Duration& value : values) {
    value = Duration(std::llround(std::exp(exponent(random))));
  }
  return values;
}

std::vector<std::uint64_t> contents(const HdrHistogram& histogram) {
  std::vector<std::uint64_t> all;
  histogram.for_each([&](Duration lowest, Duration width, std::uint64_t count) {
    all.insert(all.end(), {static_cast<std::uint64_t>(lowest.count()),
                           static_cast<std::uint64_t>(width.count()), count});
  });
  return all;
}

TEST(HdrHistogram, KnowsEveryValueFromANanosecondToAnHourToThreeDigits) {
  for (const Duration value : random_values(10'000)) {
    HdrHistogram histogram;
    histogram.record(value);
    const auto exact = static_cast<double>(value.count());
    EXPECT_NEAR(static_cast<double>(histogram.at_rank(1).count()), exact, exact / 2000 + 0.5);
  }
}

TEST(HdrHistogram, FindsTheRanksOfManyValues) {
  std::vector<Duration> values = random_values(20'001);
  HdrHistogram histogram;
  for (const Duration value : values) {
    histogram.record(value);
  }
  std::ranges::sort(values);
  for (std::size_t i = 0; i < values.size(); i += 100) {
    const auto exact = static_cast<double>(values[i].count());
    EXPECT_NEAR(static_cast<double>(histogram.at_rank(static_cast<double>(i + 1)).count()), exact,
                exact / 2000 + 0.5);
  }
}

TEST(HdrHistogram, SmallValuesAreExactAndBetweenTwoPlacesItIsLinear) {
  HdrHistogram histogram;
  histogram.record(Duration{100});
  histogram.record(Duration{200});
  EXPECT_EQ(histogram.at_rank(1), Duration{100});
  EXPECT_EQ(histogram.at_rank(1.5), Duration{150});
  EXPECT_EQ(histogram.at_rank(99), Duration{200});
  EXPECT_EQ(histogram.at_rank(-1), Duration{100});
}

TEST(HdrHistogram, MergedIsTheSameAsOneOfAllValues) {
  const std::vector<Duration> values = random_values(2000);
  HdrHistogram one;
  HdrHistogram odd;
  HdrHistogram even;
  for (std::size_t i = 0; i < values.size(); ++i) {
    one.record(values[i]);
    (i % 2 == 0 ? even : odd).record(values[i]);
  }
  even.merge(odd);
  EXPECT_EQ(even.count(), one.count());
  EXPECT_EQ(contents(even), contents(one));
}

TEST(HdrHistogram, BeyondItsEndsValuesCountInTheFirstAndTheLastBucket) {
  HdrHistogram histogram;
  EXPECT_EQ(histogram.at_rank(1), Duration{0});
  histogram.record(Duration{-5});
  histogram.record(hours{100});
  histogram.record(HdrHistogram::kMax);
  EXPECT_GT(HdrHistogram::kMax, hours{1} + minutes{10});
  EXPECT_EQ(histogram.at_rank(1), Duration{0});
  EXPECT_EQ(histogram.at_rank(2), histogram.at_rank(3));
  EXPECT_EQ(contents(histogram).size(), 6);
}

}  // namespace
}  // namespace forebay
