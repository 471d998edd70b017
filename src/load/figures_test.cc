#include "load/figures.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "load/report_test_support.h"

namespace forebay::load {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

Hit failing(Duration start, Failure failure, std::string error) {
  Hit hit = hit_at(start, milliseconds{1}, 0);
  hit.failure = failure;
  hit.error = std::move(error);
  return hit;
}

TEST(Figures, AreVegetasToTheLastDigit) {
  const int codes[] = {200, 302, 500};
  Figures figures;
  for (int i = 1; i <= 10'000; ++i) {
    Hit hit = hit_at(seconds{i - 1}, microseconds{i}, codes[(i - 1) % 3]);
    hit.bytes_in = 1024;
    hit.bytes_out = 512;
    figures.add(hit);
  }
  EXPECT_EQ(figures.requests, 10'000);
  EXPECT_EQ(figures.duration(), seconds{9999});
  EXPECT_EQ(figures.wait(), milliseconds{10});
  EXPECT_EQ(figures.rate(), 1.000100010001);
  EXPECT_EQ(figures.throughput(), 0.6667660098349737);
  EXPECT_EQ(figures.success(), 0.6667);
  EXPECT_EQ(figures.latency.total(), microseconds{50'005'000});
  EXPECT_EQ(figures.latency.mean(), Duration{5'000'500});
  EXPECT_EQ(figures.latency_min, microseconds{1});
  EXPECT_EQ(figures.latency.quantile(0.50), Duration{5'000'500});
  EXPECT_EQ(figures.latency.quantile(0.90), Duration{9'000'500});
  EXPECT_EQ(figures.latency.quantile(0.95), Duration{9'500'500});
  EXPECT_EQ(figures.latency.quantile(0.99), Duration{9'900'500});
  EXPECT_EQ(figures.latency.max(), milliseconds{10});
  EXPECT_EQ(figures.bytes_in, 10'240'000);
  EXPECT_EQ(figures.bytes_in_mean(), 1024);
  EXPECT_EQ(figures.bytes_out_mean(), 512);
  EXPECT_EQ(figures.statuses.at("200").latency.count(), 3334);
  EXPECT_EQ(figures.statuses.at("500").latency.count(), 3333);
}

TEST(Figures, OfNothingAreZero) {
  const Figures figures;
  EXPECT_EQ(figures.rate(), 0);
  EXPECT_EQ(figures.throughput(), 0);
  EXPECT_EQ(figures.success(), 0);
  EXPECT_EQ(figures.latency.mean(), Duration{0});
  EXPECT_EQ(figures.latency.quantile(0.99), Duration{0});
}

TEST(Figures, OfHitsAtOneMomentCountThem) {
  const Figures figures = figures_of({hit_at({}, milliseconds{1}), hit_at({}, milliseconds{2})});
  EXPECT_EQ(figures.rate(), 2);
  EXPECT_EQ(figures.throughput(), 2);
}

TEST(Figures, ALatencyOfZeroIsNoLeast) {
  const Figures figures = figures_of({hit_at({}, {}), hit_at({}, milliseconds{2})});
  EXPECT_EQ(figures.latency_min, milliseconds{2});
  EXPECT_EQ(figures.latency.min(), Duration{0});
}

TEST(Figures, NameErrorsOnceAndCountThemByClass) {
  const Figures figures = figures_of({failing(seconds{2}, Failure::kRefused, "refused a"),
                                      failing(seconds{1}, Failure::kTimeout, "slow"),
                                      failing(seconds{5}, Failure::kRefused, "refused b"),
                                      failing(seconds{3}, Failure::kRefused, "refused a")});
  EXPECT_EQ(figures.error_texts, (std::vector<std::string>{"refused a", "slow", "refused b"}));
  const Failed& refused = figures.failures[static_cast<std::size_t>(Failure::kRefused)];
  EXPECT_EQ(refused.count, 3);
  EXPECT_EQ(refused.first_ns, kTestStart + 2'001'000'000);
  EXPECT_EQ(refused.last_ns, kTestStart + 5'001'000'000);
  EXPECT_EQ(refused.example, "refused a");
  EXPECT_EQ(figures.censored(), 1);
  EXPECT_EQ(figures.errors(), 4);
}

TEST(Figures, AnAnswerThatBrokeIsNoSuccess) {
  Hit hit = hit_at({}, milliseconds{1}, 200);
  hit.failure = Failure::kReset;
  EXPECT_EQ(figures_of({hit}).success(), 0);
}

TEST(Figures, SplitTheLatency) {
  Hit hit = hit_at({}, milliseconds{100});
  hit.late = milliseconds{1};
  hit.lag = milliseconds{10};
  hit.dns = milliseconds{2};
  hit.connect = milliseconds{3};
  hit.first_byte = milliseconds{70};
  hit.server_queue = milliseconds{40};
  const Figures figures = figures_of({hit, hit_at({}, milliseconds{5})});
  EXPECT_EQ(figures.phase(Phase::kService).max(), milliseconds{90});
  EXPECT_EQ(figures.phase(Phase::kBody).max(), milliseconds{20});
  EXPECT_EQ(figures.phase(Phase::kLag).max(), milliseconds{10});
  EXPECT_EQ(figures.phase(Phase::kServerQueue).max(), milliseconds{40});
  EXPECT_EQ(figures.phase(Phase::kDns).count(), 1);
  EXPECT_EQ(figures.phase(Phase::kTls).count(), 0);
}

TEST(Figures, TargetsBeyondTheLimitAreOthers) {
  Figures figures;
  for (std::size_t i = 0; i < Figures::kTargetsMax + 5; ++i) {
    Hit hit = hit_at({}, milliseconds{1});
    hit.url = format("http://localhost/{}", i);
    figures.add(hit);
    figures.add(hit);
  }
  EXPECT_EQ(figures.targets.size(), Figures::kTargetsMax + 1);
  EXPECT_EQ(figures.targets.at("GET http://localhost/7").latency.count(), 2);
  EXPECT_EQ(figures.targets.at("other").latency.count(), 10);
}

TEST(Figures, TimesThatNoClockHasDoNotOverflow) {
  Hit late = hit_at({}, Duration::max());
  late.intended_ns = INT64_MAX;
  Hit early = hit_at({}, Duration::max());
  early.intended_ns = INT64_MIN;
  const Figures figures = figures_of({late, early});
  EXPECT_EQ(figures.duration(), Duration::max());
  EXPECT_EQ(figures.latency.total(), Duration::max());
}

TEST(Distribution, GoesOverToAHistogramAtItsLimit) {
  Distribution exact(1000);
  Distribution counted(999);
  for (int i = 1; i <= 1000; ++i) {
    exact.add(microseconds{i});
    counted.add(microseconds{i});
  }
  EXPECT_TRUE(exact.exact());
  EXPECT_FALSE(counted.exact());
  for (const double q : {0.0, 0.25, 0.5, 0.99, 0.999, 1.0}) {
    const auto right = static_cast<double>(exact.quantile(q).count());
    EXPECT_NEAR(static_cast<double>(counted.quantile(q).count()), right, right / 1000) << q;
  }
  EXPECT_EQ(counted.count(), exact.count());
  EXPECT_EQ(counted.mean(), exact.mean());
  EXPECT_EQ(counted.min(), microseconds{1});
  EXPECT_EQ(counted.max(), milliseconds{1});
  EXPECT_EQ(exact.count_up_to(microseconds{500}), 500);
  EXPECT_NEAR(static_cast<double>(counted.count_up_to(microseconds{500})), 500, 1);
}

TEST(Distribution, KnowsItsDeviation) {
  Distribution values;
  for (const int ms : {2, 4, 4, 4, 5, 5, 7, 9}) {
    values.add(milliseconds{ms});
  }
  EXPECT_NEAR(static_cast<double>(values.deviation().count()), 2.138e6, 1e3);
}

TEST(Blocks, GrowInsteadOfBecomingTooMany) {
  Blocks blocks;
  for (int i = 0; i < 1000; ++i) {
    blocks.add(kTestStart + i * 1'000'000'000LL, milliseconds{i});
  }
  EXPECT_EQ(blocks.width(), seconds{4});
  EXPECT_LE(blocks.all().size(), Blocks::kCountMax);
  std::uint64_t count = 0;
  for (const auto& [number, block] : blocks.all()) {
    count += block.count();
  }
  EXPECT_EQ(count, 1000);
}

}  // namespace
}  // namespace forebay::load
