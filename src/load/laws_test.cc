// Laws of arrivals other than the constant one: what each promises, and what all do.

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <span>

#include <gtest/gtest.h>

#include "load/schedule.h"
#include "load/schedule_hash.h"
#include "load/schedule_test.h"

namespace forebay::load {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

std::string error_of(const ScheduleOptions& options) {
  const Result<Schedule> made = Schedule::make(options);
  return made ? "no error" : made.error().message;
}

std::size_t hits_between(const std::vector<Duration>& offsets, Duration from, Duration to) {
  const auto first = std::ranges::lower_bound(offsets, from);
  return static_cast<std::size_t>(std::ranges::lower_bound(offsets, to) - first);
}

// --- what all of them promise ------------------------------------------------------------------

struct LawCase {
  const char* name;
  const char* arrivals;
  std::uint64_t hash;  // of all offsets: they are the same on every machine
};

class EveryLaw : public testing::TestWithParam<LawCase> {
 protected:
  [[nodiscard]] static Schedule made(std::uint64_t seed = 1) {
    return schedule({997, seconds(1)}, milliseconds(2500), GetParam().arrivals, seed);
  }
};

TEST_P(EveryLaw, GivesTheHitsThatItCounts) {
  const Schedule law = made();
  ASSERT_TRUE(law.count().has_value());
  EXPECT_EQ(all(law).size(), *law.count());
  EXPECT_GT(*law.count(), 1000U);
}

TEST_P(EveryLaw, NeverGoesBackAndEndsInTime) {
  const std::vector<Duration> offsets = all(made());
  EXPECT_TRUE(std::ranges::is_sorted(offsets));
  EXPECT_GE(offsets.front(), Duration{0});
  EXPECT_LT(offsets.back(), milliseconds(2500));
}

/// Nothing twice, nothing lost, whatever the number of machines and threads.
TEST_P(EveryLaw, IsTheUnionOfItsParts) {
  const Schedule law = made();
  const std::vector<Duration> whole = all(law);
  for (const std::uint64_t parts : {1U, 2U, 3U, 7U, 64U, 5000U}) {
    std::vector<Duration> merged(whole.size(), Duration{-1});
    for (std::uint64_t part = 0; part < parts; ++part) {
      Arrivals arrivals(law, part, parts);
      while (const std::optional<Arrival> arrival = arrivals.next()) {
        ASSERT_LT(arrival->sequence, merged.size());
        EXPECT_EQ(arrival->sequence % parts, part);
        EXPECT_EQ(merged[arrival->sequence], Duration{-1});
        merged[arrival->sequence] = arrival->offset;
      }
    }
    EXPECT_EQ(merged, whole) << parts;
  }
}

TEST_P(EveryLaw, IsTheSameOnEveryMachine) {
  ScheduleHash hash;
  for (const Duration offset : all(made()))
    hash.add(static_cast<std::uint64_t>(offset.count()));
  EXPECT_EQ(hash.value(), GetParam().hash);
}

TEST_P(EveryLaw, HasTheHashOfItsOptions) {
  EXPECT_EQ(made(1).hash(), made(1).hash());
  const bool random = all(made(1)) != all(made(2));
  EXPECT_EQ(made(1).hash() != made(2).hash(), random);
}

// The hashes are those of offsets that were computed in exact fractions, in another language.
constexpr LawCase kLawCases[] = {
    {"constant", "constant", 17146393928435292091U},
    {"poisson", "poisson", 5020959338995153724U},
    {"jitter", "jitter", 15138708613401682165U},
    {"bursts", "bursts:10", 17362101406911698467U},
    {"ramp_up", "ramp:2000", 5994308751186613084U},
    {"ramp_down", "ramp:0", 9558332404336454341U},
    {"steps", "steps:1s@100,1s@0,1s@2000", 3084560537417497147U},
    {"sine", "sine:997@1s", 15160934269690965613U},
};
INSTANTIATE_TEST_SUITE_P(Laws, EveryLaw, testing::ValuesIn(kLawCases),
                         [](const auto& law) { return law.param.name; });

TEST(EverySchedule, HasAHashOfItsOwn) {
  std::vector<std::uint64_t> hashes;
  for (const char* law :
       {"constant", "poisson", "jitter", "bursts:10", "bursts:11", "ramp:49", "ramp:51",
        "steps:5s@50", "steps:5s@51", "sine:1@1s", "sine:2@1s", "sine:1@2s"})
    hashes.push_back(schedule({50, seconds(1)}, seconds(5), law).hash());
  std::ranges::sort(hashes);
  EXPECT_EQ(std::ranges::adjacent_find(hashes), hashes.end());
}

TEST(EverySchedule, SaysInWordsWhatItIs) {
  const auto text = [](const char* law) {
    return schedule({50, seconds(1)}, minutes(1), law).text();
  };
  EXPECT_EQ(text("poisson"), "poisson 50/1s for 1m0s, seed 1");
  EXPECT_EQ(text("jitter"), "jitter 50/1s for 1m0s, seed 1");
  EXPECT_EQ(text("bursts:10"), "bursts 50/1s for 1m0s, 10 at once");
  EXPECT_EQ(text("ramp:6000/m"), "ramp 50/1s to 6000/1m0s for 1m0s");
  EXPECT_EQ(text("steps:30s@50,10s@0"),
            "steps 50/1s for 30s, 0/1s for 10s, over and over for 1m0s");
  EXPECT_EQ(text("sine:20/s@10s"), "sine 50/1s \u00b1 20/1s each 10s for 1m0s");
}

// --- steady laws -------------------------------------------------------------------------------

TEST(PoissonLaw, HasGapsLikeRadioactiveDecay) {
  constexpr double kRate = 1000;
  const std::vector<Duration> offsets = all(schedule({1000, seconds(1)}, seconds(100), "poisson"));
  const auto count = static_cast<double>(offsets.size());
  EXPECT_NEAR(count, 100 * kRate, 5 * std::sqrt(100 * kRate));

  std::vector<double> gaps;
  for (std::size_t n = 1; n < offsets.size(); ++n)
    gaps.push_back(to_seconds(offsets[n] - offsets[n - 1]));
  const double mean = std::reduce(gaps.begin(), gaps.end()) / count;
  double squares = 0;
  for (const double gap : gaps)
    squares += (gap - mean) * (gap - mean);
  EXPECT_NEAR(std::sqrt(squares / count) / mean, 1, 0.02) << "coefficient of variation";

  // Kolmogorov and Smirnov: below 1.95 / sqrt(n) in 999 of 1000 cases.
  std::ranges::sort(gaps);
  double distance = 0;
  for (std::size_t i = 0; i < gaps.size(); ++i) {
    const double law = 1 - std::exp(-gaps[i] * kRate);
    distance = std::max(distance, std::abs(law - static_cast<double>(i) / count));
  }
  EXPECT_LT(distance, 1.95 / std::sqrt(count));
}

TEST(PoissonLaw, HasIndependentSeconds) {
  // The variance of the counts is their mean: hits neither cluster nor keep their distance.
  const std::vector<Duration> offsets = all(schedule({100, seconds(1)}, seconds(1000), "poisson"));
  double squares = 0;
  for (int second = 0; second < 1000; ++second) {
    const auto hits =
        static_cast<double>(hits_between(offsets, seconds(second), seconds(second + 1)));
    squares += (hits - 100) * (hits - 100);
  }
  EXPECT_NEAR(squares / 1000 / 100, 1, 0.15) << "index of dispersion";
}

TEST(PoissonLaw, OfALongerAttackBeginsLikeThatOfAShorterOne) {
  const std::vector<Duration> once = all(schedule({100, seconds(1)}, seconds(5), "poisson", 7));
  const std::vector<Duration> longer = all(schedule({100, seconds(1)}, seconds(9), "poisson", 7));
  EXPECT_TRUE(std::ranges::equal(once, std::span(longer).first(once.size())));
}

TEST(PoissonLaw, IsNotDrawnBeyondALimit) {
  const Rate rate{100'000'000, seconds(1)};
  EXPECT_EQ(
      error_of({.rate = rate, .duration = milliseconds(1001), .arrivals = "poisson"}),
      "100000000/1s for 1.001s is more than 100000000 hits, too many to draw beforehand: lower "
      "the rate or the duration, or leave the duration away");
  EXPECT_EQ(error_of({.rate = rate, .arrivals = "poisson"}), "no error");
}

TEST(JitterLaw, HasOneHitInEachSlot) {
  const std::vector<Duration> offsets = all(schedule({100, seconds(1)}, seconds(100), "jitter"));
  ASSERT_EQ(offsets.size(), 10'000U);
  double sum = 0;
  for (std::size_t n = 0; n < offsets.size(); ++n) {
    const Duration in_slot = offsets[n] - milliseconds(10) * n;
    EXPECT_GE(in_slot, Duration{0});
    EXPECT_LT(in_slot, milliseconds(10));
    sum += to_seconds(in_slot);
  }
  EXPECT_NEAR(sum / 10'000, 0.005, 0.0002);
}

TEST(BurstsLaw, SendsManyAtOnceAtTheSameRate) {
  const std::vector<Duration> offsets = all(schedule({50, seconds(1)}, seconds(5), "bursts:7"));
  ASSERT_EQ(offsets.size(), 250U);
  for (std::size_t n = 0; n < offsets.size(); ++n)
    EXPECT_EQ(offsets[n], milliseconds(140) * (n / 7));
}

TEST(BurstsLaw, RefusesWhatIsNoSize) {
  for (const char* law : {"bursts", "bursts:", "bursts:0", "bursts:-1", "bursts:x", "bursts:1x",
                          "bursts:18446744073709551616", "poisson:1", "jitter:1"})
    EXPECT_NE(error_of({.arrivals = law}), "no error") << law;
}

// --- changing laws -----------------------------------------------------------------------------

TEST(RampLaw, RisesInAStraightLine) {
  // 10/s to 30/s in 10 s: 10 t + t^2 hits until t.
  const std::vector<Duration> offsets = all(schedule({10, seconds(1)}, seconds(10), "ramp:30/s"));
  ASSERT_EQ(offsets.size(), 200U);
  for (std::size_t n = 0; n < offsets.size(); ++n) {
    const double seconds_exact = -5 + std::sqrt(25 + static_cast<double>(n));
    EXPECT_NEAR(static_cast<double>(offsets[n].count()), seconds_exact * 1e9, 1.001) << n;
  }
  EXPECT_EQ(offsets[24], seconds(2));
  EXPECT_EQ(offsets[75], seconds(5));
}

TEST(RampLaw, FallsAsItRises) {
  const std::vector<Duration> up = all(schedule({0, seconds(1)}, seconds(10), "ramp:100"));
  const std::vector<Duration> down = all(schedule({100, seconds(1)}, seconds(10), "ramp:0"));
  ASSERT_EQ(up.size(), 500U);
  ASSERT_EQ(down.size(), 500U);
  for (std::size_t n = 1; n < up.size(); ++n) {
    const Duration sum = up[n] + down[500 - n];
    EXPECT_LE(sum, seconds(10)) << n;  // both are rounded down
    EXPECT_GE(sum, seconds(10) - Duration{1}) << n;
  }
}

TEST(RampLaw, CountsExactlyOverAYear) {
  const Schedule year = schedule({1, seconds(1)}, hours(24 * 365), "ramp:50001/s");
  EXPECT_EQ(year.count(), 25001ULL * 3600 * 24 * 365);
  Arrivals last(year, *year.count() - 1, *year.count());
  const Duration before_end = hours(24 * 365) - last.next()->offset;
  EXPECT_GT(before_end, Duration{0});
  EXPECT_LE(before_end, Duration{20001});
}

TEST(RampLaw, RefusesWhatIsNone) {
  EXPECT_EQ(error_of({.arrivals = "ramp:100"}),
            "a ramp needs -duration: the time in which the rate changes");
  for (const char* law : {"ramp", "ramp:", "ramp:x", "ramp:infinity", "ramp:99999999999999999999",
                          "ramp:18446744073709551615/ns"})
    EXPECT_NE(error_of({.duration = seconds(1), .arrivals = law}), "no error") << law;
  EXPECT_NE(error_of({.rate = {0, seconds(1)}, .duration = seconds(1), .arrivals = "ramp:0"}),
            "no error");
}

TEST(StepsLaw, KeepsEachRateForItsTime) {
  const Schedule steps =
      schedule({50, seconds(1)}, std::nullopt, "steps:30s@50,1m@200,10s@0,1m@30/m");
  EXPECT_EQ(steps.count(), 1500U + 12'000 + 0 + 30);
  const std::vector<Duration> offsets = all(steps);
  ASSERT_EQ(offsets.size(), *steps.count());
  EXPECT_EQ(hits_between(offsets, seconds(0), seconds(30)), 1500U);
  EXPECT_EQ(hits_between(offsets, seconds(30), seconds(90)), 12'000U);
  EXPECT_EQ(hits_between(offsets, seconds(90), seconds(100)), 0U);
  EXPECT_EQ(offsets[1499], seconds(30) - milliseconds(20));
  EXPECT_EQ(offsets[1500], seconds(30));
  EXPECT_EQ(offsets[1501], seconds(30) + milliseconds(5));
  EXPECT_EQ(offsets[13'500], seconds(100)) << "after the pause, not before it";
  EXPECT_EQ(offsets.back(), seconds(158));
}

TEST(StepsLaw, CarriesTheRestOfAHitOver) {
  // Half a hit is due at the end of the first step.
  const std::vector<Duration> offsets =
      all(schedule({1, seconds(1)}, std::nullopt, "steps:1500ms@1,2s@10"));
  EXPECT_EQ(offsets.size(), 22U);
  EXPECT_EQ(offsets[1], seconds(1));
  EXPECT_EQ(offsets[2], milliseconds(1550));
}

TEST(StepsLaw, IsRepeatedUntilTheDurationIsOver) {
  const Schedule on_off = schedule({1, seconds(1)}, milliseconds(5500), "steps:1s@100,1s@0");
  EXPECT_EQ(on_off.count(), 300U);
  const std::vector<Duration> offsets = all(on_off);
  EXPECT_EQ(offsets[100], seconds(2));
  EXPECT_EQ(offsets[299], seconds(4) + milliseconds(990));
  EXPECT_EQ(schedule({1, seconds(1)}, milliseconds(500), "steps:1s@100,1s@0").count(), 50U);
}

TEST(StepsLaw, RefusesWhatIsNone) {
  EXPECT_EQ(
      error_of({.arrivals = "steps:30s@50,1m"}),
      "steps: '1m': \"\" is no rate: write it as 50, 50/1m30s or 50/m; 0 is as fast as possible; "
      "write steps:30s@50,1m@200/m");
  for (const char* law :
       {"steps", "steps:", "steps:,", "steps:1s@5,,1s@5", "steps:@5", "steps:0s@5", "steps:-1s@5",
        "steps:1s@0", "steps:1s@infinity", "steps:2562047h@1,2562047h@1",
        "steps:1s@1/9223372036854775807ns,1s@1/9223372036854775806ns"})
    EXPECT_NE(error_of({.arrivals = law}), "no error") << law;
}

TEST(SineLaw, SwingsAroundTheRate) {
  const Schedule sine = schedule({1000, seconds(1)}, seconds(40), "sine:500/s@20s");
  EXPECT_EQ(sine.count(), 40'000U);
  const std::vector<Duration> offsets = all(sine);
  // The integral of a sine over half a period is 2 / pi of its height.
  const double more = 500 * 10 * 2 / std::numbers::pi;
  EXPECT_NEAR(static_cast<double>(hits_between(offsets, seconds(0), seconds(10))), 10'000 + more,
              1);
  EXPECT_NEAR(static_cast<double>(hits_between(offsets, seconds(10), seconds(20))), 10'000 - more,
              1);
  EXPECT_NEAR(static_cast<double>(hits_between(offsets, seconds(4), seconds(6))), 2984, 3);
  EXPECT_NEAR(static_cast<double>(hits_between(offsets, seconds(14), seconds(16))), 1016, 3);
  for (std::size_t n = 0; n < 20'000; ++n)
    EXPECT_EQ(offsets[n + 20'000], offsets[n] + seconds(20)) << n;
}

TEST(SineLaw, CountsExactlyOverWholePeriodsOfAnyLength) {
  for (const char* period : {"1s", "7s", "999.999999ms", "1ns"}) {
    const std::string law = std::string("sine:7/m@") + period;
    const Duration length = *parse_go_duration(period);
    EXPECT_EQ(schedule({1'000'000, minutes(1)}, length * 60'000, law).count(),
              schedule({1'000'000, minutes(1)}, length * 60'000).count())
        << period;
  }
}

TEST(SineLaw, RunsForEverWithoutADuration) {
  const Schedule sine = schedule({10, seconds(1)}, std::nullopt, "sine:10@1m");
  EXPECT_EQ(sine.count(), std::nullopt);
  constexpr std::uint64_t kYears = 100ULL * 365 * 24 * 3600 * 10;
  Arrivals late(sine, kYears, kYears + 1);
  EXPECT_EQ(late.next()->offset, hours(100 * 365 * 24));
}

TEST(SineLaw, RefusesWhatIsNone) {
  EXPECT_EQ(
      error_of({.rate = {10, seconds(1)}, .arrivals = "sine:601/m@1s"}),
      "sine: an amplitude of 601/1m0s is above the rate of 10/1s: there are no hits below zero");
  for (const char* law : {"sine", "sine:", "sine:5", "sine:5@", "sine:@1s", "sine:5@0s",
                          "sine:5@-1s", "sine:x@1s", "sine:5@1s@2s", "sine:5@1000000h"})
    EXPECT_NE(error_of({.arrivals = law}), "no error") << law;
}

}  // namespace
}  // namespace forebay::load
