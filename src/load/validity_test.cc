#include "load/validity.h"

#include <gtest/gtest.h>

#include "load/intervals.h"
#include "load/report_test_support.h"

namespace forebay::load {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// 100 hits in a second, of 50 ms each.
std::vector<Hit> hits_that_are_late(Duration late) {
  std::vector<Hit> hits;
  for (int i = 0; i < 100; ++i) {
    hits.push_back(hit_at(i * milliseconds{10}, milliseconds{50}));
    hits.back().late = late;
  }
  return hits;
}

Run good_run() {
  load::Run run;
  run.schedule = "constant 100/1s for 1s";
  run.schedule_hash = 7;
  run.hits = run.released = 100;
  run.ended = true;
  return run;
}

std::vector<std::string> reasons(const Run& run, Duration late = milliseconds{1}) {
  return judge(figures_of(hits_that_are_late(late)), {run}, {}).reasons;
}

TEST(Validity, OfARunThatWentWell) {
  const Validity validity =
      judge(figures_of(hits_that_are_late(milliseconds{1})), {good_run()}, {});
  EXPECT_TRUE(validity.known);
  EXPECT_TRUE(validity.valid());
  EXPECT_TRUE(validity.notes.empty());
}

TEST(Validity, LatenessIsMeasuredByTheLatency) {
  EXPECT_TRUE(reasons(good_run(), milliseconds{5}).empty());
  EXPECT_EQ(reasons(good_run(), milliseconds{6}),
            (std::vector<std::string>{"this side was late: 1 % of the hits by 6ms or more, and 5ms "
                                      "is the most for a p50 of 50ms"}));
  EXPECT_TRUE(
      judge(figures_of(hits_that_are_late(milliseconds{6})), {}, {.late_max = 0.2}).valid());
}

TEST(Validity, AMillisecondOfLatenessIsAlwaysForgiven) {
  std::vector<Hit> hits = hits_that_are_late(milliseconds{1});
  for (Hit& hit : hits) {
    hit.latency = std::chrono::microseconds{100};
  }
  EXPECT_TRUE(judge(figures_of(hits), {}, {}).valid());
}

TEST(Validity, OfASingleHitThereIsNoRateToMiss) {
  Hit hit = hits_that_are_late({}).front();
  hit.late = std::chrono::microseconds{50};
  EXPECT_TRUE(judge(figures_of({hit}), {}, {}).valid());
  hit.late = milliseconds{6};
  const std::vector<std::string> reasons = judge(figures_of({hit}), {}, {}).reasons;
  ASSERT_EQ(reasons.size(), 1U);
  EXPECT_TRUE(reasons[0].starts_with("this side was late")) << reasons[0];
}

TEST(Validity, AGeneratorThatFallsBehindMissesItsRate) {
  std::vector<Hit> hits = hits_that_are_late({});
  for (std::size_t i = 0; i < hits.size(); ++i) {
    hits[i].late = i * milliseconds{1};
    hits[i].latency = seconds{10};
  }
  EXPECT_EQ(judge(figures_of(hits), {}, {}).reasons,
            (std::vector<std::string>{"the rate was not reached: 91.7 % of what was asked for"}));
}

TEST(Validity, ARunMustComeToItsEnd) {
  load::Run run = good_run();
  run.ended = false;
  EXPECT_EQ(
      reasons(run),
      (std::vector<std::string>{"the results break off: the attack did not come to its end"}));
  run = good_run();
  run.interrupted = true;
  run.released = 100;
  run.hits = 1000;
  EXPECT_EQ(reasons(run), (std::vector<std::string>{"interrupted after 100 of 1000 hits"}));
  run.hits.reset();
  EXPECT_TRUE(reasons(run).empty()) << "one that goes on until a signal";
  run = good_run();
  run.hits = 102;
  EXPECT_EQ(reasons(run), (std::vector<std::string>{"only 100 of 102 hits were made"}));
  run = good_run();
  run.released = run.hits.emplace(101);
  EXPECT_EQ(reasons(run), (std::vector<std::string>{"1 of 101 results are missing"}));
}

TEST(Validity, WhatTheAttackSaysCounts) {
  load::Run run = good_run();
  run.invalid = {"no descriptors were left"};
  EXPECT_EQ(reasons(run), run.invalid);
}

TEST(Validity, AnInterruptedReadingIsNoVerdictOnTheRun) {
  load::Run run = good_run();
  run.ended = false;
  EXPECT_EQ(judge(figures_of(hits_that_are_late({})), {run}, {}, true).reasons,
            (std::vector<std::string>{"reading was interrupted"}));
}

std::vector<Run> shards(std::initializer_list<std::uint64_t> numbers) {
  std::vector<Run> runs;
  for (const std::uint64_t number : numbers) {
    Run& run = runs.emplace_back(good_run());
    run.shard = number;
    run.shards = 3;
    run.hits = run.released = 1;
  }
  return runs;
}

TEST(Validity, ShardsAreCounted) {
  const Figures figures = figures_of(hits_that_are_late({}));
  EXPECT_TRUE(judge(figures, shards({0, 2, 1}), {}).notes.empty());
  EXPECT_EQ(judge(figures, shards({0, 2}), {}).notes,
            (std::vector<std::string>{"2 of 3 shards are here"}));
  EXPECT_EQ(judge(figures, shards({0, 1, 1, 2}), {}).reasons,
            (std::vector<std::string>{"shard 1 of 3 is there 2 times"}));
}

TEST(Validity, ShardsOfDifferentSchedulesAreRefused) {
  std::vector<load::Run> runs = shards({0, 1});
  EXPECT_TRUE(same_schedule(runs));
  EXPECT_TRUE(same_schedule({}));
  runs[1].schedule_hash = 8;
  ASSERT_FALSE(same_schedule(runs));
  EXPECT_NE(same_schedule(runs).error().message.find("shards of different schedules"),
            std::string::npos);
  runs[0].shards = runs[1].shards = 1;
  EXPECT_TRUE(same_schedule(runs)) << "two runs that are no shards are merged, as vegeta does";
}

TEST(Intervals, HoldTheTruthOfIndependentHitsMostOfTheTime) {
  // The p90 of an even spread over 0..1 s is 900 ms.
  int right = 0;
  for (int run = 0; run < 40; ++run) {
    Figures figures;
    std::uint64_t state = 12345 + static_cast<std::uint64_t>(run);
    for (int i = 0; i < 2000; ++i) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      figures.add(hit_at(i * milliseconds{10}, Duration(state % 1'000'000'007)));
    }
    const Interval p90 = intervals(figures)[1];
    ASSERT_TRUE(p90.low && p90.high);
    EXPECT_LT(*p90.high - *p90.low, milliseconds{60});
    right += *p90.low <= milliseconds{900} && milliseconds{900} <= *p90.high ? 1 : 0;
  }
  EXPECT_GE(right, 34);
}

TEST(Intervals, AreWiderWhereNeighboursAreAlike) {
  // The same latencies, once mixed and once in blocks of a second.
  Figures mixed;
  Figures blocks;
  for (int i = 0; i < 4000; ++i) {
    mixed.add(hit_at(i * milliseconds{5}, milliseconds{(i * 7919) % 20}));
    blocks.add(hit_at(i * milliseconds{5}, milliseconds{(i / 200 * 7) % 20}));
  }
  const auto width = [](const Interval& interval) { return *interval.high - *interval.low; };
  EXPECT_GT(width(intervals(blocks)[0]), 3 * width(intervals(mixed)[0]));
}

TEST(Intervals, HaveNoEndBeyondWhichThereIsNothing) {
  const auto all = intervals(figures_of(rising(200, milliseconds{1})));
  EXPECT_TRUE(all[0].low && all[0].high);
  EXPECT_TRUE(all[2].high) << "10 of 200 are above the p95";
  EXPECT_TRUE(all[3].low);
  EXPECT_FALSE(all[3].high);
  EXPECT_FALSE(intervals(Figures{})[0].low);
}

TEST(Intervals, AreTheSameEachTime) {
  const Figures figures = figures_of(rising(500, milliseconds{1}));
  EXPECT_EQ(Resamples(figures, 1).of(3), Resamples(figures, 1).of(3));
  EXPECT_NE(Resamples(figures, 1).of(3), Resamples(figures, 2).of(3));
}

}  // namespace
}  // namespace forebay::load
