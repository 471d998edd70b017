#include "load/schedule.h"

#include <limits>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "load/schedule_test.h"

namespace forebay::load {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t kHitsMax = std::numeric_limits<std::uint64_t>::max();

/// Offset of hit n, found without walking there.
Duration offset(const Schedule& of, std::uint64_t n) {
  Arrivals arrivals(of, n, kHitsMax);
  const std::optional<Arrival> arrival = arrivals.next();
  EXPECT_TRUE(arrival.has_value()) << n;
  EXPECT_EQ(arrival->sequence, n);
  return arrival->offset;
}

TEST(ConstantSchedule, HasExactlyRateTimesDurationHitsAndTheFirstAtZero) {
  const Schedule five = schedule({50, seconds(1)}, seconds(5));
  EXPECT_EQ(five.count(), 250U);
  const std::vector<Duration> offsets = all(five);
  ASSERT_EQ(offsets.size(), 250U);
  for (std::size_t n = 0; n < offsets.size(); ++n)
    EXPECT_EQ(offsets[n], milliseconds(20) * n);
}

TEST(ConstantSchedule, TakesAHitThatBeginsBeforeTheEnd) {
  EXPECT_EQ(schedule({3, seconds(1)}, milliseconds(1001)).count(), 4U);
  EXPECT_EQ(schedule({3, seconds(1)}, milliseconds(1000)).count(), 3U);
  EXPECT_EQ(schedule({1, hours(1)}, Duration{1}).count(), 1U);
}

TEST(ConstantSchedule, DoesNotDriftOverAnHourNorOverYears) {
  // A gap of 33,333.33.. ns: cut to whole ns it would be 36 ms early after an hour.
  const Schedule hour = schedule({30000, seconds(1)}, hours(1));
  EXPECT_EQ(hour.count(), 108'000'000U);
  EXPECT_EQ(offset(hour, 30000ULL * 3599), seconds(3599));
  EXPECT_EQ(offset(hour, 108'000'000 - 1), hours(1) - Duration{33334});

  const Schedule years = schedule({30000, seconds(1)}, std::nullopt);
  EXPECT_EQ(years.count(), std::nullopt);
  EXPECT_EQ(offset(years, 30000ULL * 3600 * 24 * 365 * 200), hours(24 * 365 * 200));
}

TEST(ConstantSchedule, GapsDifferByOneNanosecondAtMost) {
  const std::vector<Duration> offsets = all(schedule({30000, seconds(1)}, seconds(1)));
  for (std::size_t n = 1; n < offsets.size(); ++n) {
    const Duration gap = offsets[n] - offsets[n - 1];
    EXPECT_TRUE(gap == Duration{33333} || gap == Duration{33334}) << gap.count();
  }
}

TEST(ConstantSchedule, IsExactAtTheEndsOf64Bits) {
  // More hits than nanoseconds.
  const Schedule dense = schedule({kHitsMax, seconds(1)}, seconds(1));
  EXPECT_EQ(dense.count(), kHitsMax);
  EXPECT_EQ(offset(dense, kHitsMax - 1), Duration{999'999'999});
  // One hit in 292 years.
  const Schedule sparse = schedule({1, Duration::max()}, Duration::max());
  EXPECT_EQ(sparse.count(), 1U);
  EXPECT_EQ(all(sparse), std::vector<Duration>{Duration{0}});
  // Two hits, no end given: the second is the last that 64 bits can hold.
  EXPECT_EQ(all(schedule({1, Duration::max()}, std::nullopt)),
            (std::vector<Duration>{Duration{0}, Duration::max()}));
  // A hit each nanosecond, as long as there are any.
  const Schedule longest = schedule({1, Duration{1}}, Duration::max());
  EXPECT_EQ(longest.count(), static_cast<std::uint64_t>(Duration::max().count()));
  EXPECT_EQ(offset(longest, *longest.count() - 1), Duration::max() - Duration{1});
}

TEST(Schedule, RefusesWhatIsNone) {
  const auto refused = [](const ScheduleOptions& options) {
    return !Schedule::make(options).has_value();
  };
  for (const char* law : {"constant", "poisson", "jitter", "bursts:2", "sine:1@1s"})
    EXPECT_TRUE(refused({.rate = {0, seconds(1)}, .arrivals = law})) << law;
  EXPECT_TRUE(refused({.rate = {1, seconds(0)}}));
  EXPECT_TRUE(refused({.rate = {1, seconds(-1)}}));
  EXPECT_TRUE(refused({.duration = seconds(0)}));
  EXPECT_TRUE(refused({.duration = seconds(-1)}));
  EXPECT_TRUE(refused({.arrivals = "uniform"}));
  EXPECT_TRUE(refused({.arrivals = ""}));
  EXPECT_TRUE(refused({.arrivals = "constant:5"}));
  EXPECT_TRUE(refused({.rate = {kHitsMax, Duration{1}}, .duration = seconds(1)}));
}

TEST(Schedule, SaysInWordsWhatItIs) {
  EXPECT_EQ(schedule({200, seconds(1)}, seconds(1)).text(), "constant 200/1s for 1s");
  EXPECT_EQ(schedule({7, seconds(90)}, std::nullopt).text(), "constant 7/1m30s");
}

TEST(Schedule, HasTheHashOfItsOffsets) {
  const std::uint64_t hash = schedule({60, seconds(60)}, seconds(5)).hash();
  EXPECT_EQ(schedule({1, seconds(1)}, seconds(5)).hash(), hash);
  EXPECT_NE(schedule({1, seconds(1)}, seconds(6)).hash(), hash);
  EXPECT_NE(schedule({2, seconds(1)}, seconds(5)).hash(), hash);
  EXPECT_NE(schedule({1, seconds(1)}, std::nullopt).hash(), hash);
}

}  // namespace
}  // namespace forebay::load
