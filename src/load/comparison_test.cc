#include "load/comparison.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "load/report_test_support.h"

namespace forebay::load {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

/// A run of `seconds` with 100 hits in each, of 10 to 30 ms and `more`; each `bad`-th fails.
std::vector<Hit> run_of(int seconds, Duration more, std::uint64_t seed, int bad = 0) {
  std::mt19937_64 random(seed);
  std::vector<Hit> hits;
  for (int i = 0; i < 100 * seconds; ++i) {
    const Duration latency = milliseconds(10) + Duration(random() % 20'000'000) + more;
    hits.push_back(hit_at(i * milliseconds(10), latency));
    if (bad > 0 && i % bad == 0) {
      hits.back().code = 503;
      hits.back().failure = Failure::kStatus;
    }
  }
  return hits;
}

Difference find(const std::vector<Difference>& all, std::string_view figure) {
  return *std::ranges::find(all, figure, &Difference::figure);
}

TEST(Comparison, ShowsADifferenceThatIsThere) {
  const auto all =
      compare(figures_of(run_of(30, {}, 1)), figures_of(run_of(30, milliseconds(3), 2, 50)));
  for (const std::string_view figure : {"p50", "p90", "p95", "p99"}) {
    const Difference of = find(all, figure);
    EXPECT_TRUE(of.judged && of.shown()) << figure;
    EXPECT_LT(*of.low, 3e6);
    EXPECT_GT(*of.high, 2.9e6);
    EXPECT_GT(*of.low, 1e6);
  }
  const Difference success = find(all, "success");
  EXPECT_NEAR(success.after - success.before, -0.02, 1e-9);
  EXPECT_LT(*success.high, 0);
  EXPECT_GT(*success.low, -0.03);
}

TEST(Comparison, ShowsNoneWhereThereIsNone) {
  int shown = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    for (const Difference& of :
         compare(figures_of(run_of(20, {}, seed)), figures_of(run_of(20, {}, seed + 100)))) {
      shown += of.judged && of.shown() ? 1 : 0;
    }
  }
  EXPECT_LE(shown, 10) << "of 50, where 2 or 3 are to be expected";
}

TEST(Comparison, OfFewHitsDoesNotClaimToKnow) {
  const auto all = compare(figures_of(run_of(5, {}, 1)), figures_of(run_of(1, {}, 2)));
  EXPECT_TRUE(find(all, "p50").judged);
  EXPECT_FALSE(find(all, "p99").judged);
  EXPECT_FALSE(find(compare(figures_of({}), figures_of({})), "success").judged);
}

TEST(Comparison, IsATableWithNamesAndVerdicts) {
  Side before{"a.bin", figures_of(run_of(20, {}, 1)), {}, {}};
  Side after{"b.bin", figures_of(run_of(20, milliseconds(5), 2)), {}, {}};
  after.validity.reasons = {"it was late"};
  const std::string text = comparison_text(before, after);
  EXPECT_THAT(text, HasSubstr("Before  a.bin\nAfter   b.bin\n\nFigure "));
  EXPECT_THAT(text, testing::ContainsRegex("p50 +[0-9.]+ms +[0-9.]+ms +.[0-9.]+ms +.[0-9.]+ms to "
                                           ".[0-9.]+ms +higher\n"));
  EXPECT_THAT(text, testing::ContainsRegex("success +100.00% +100.00% +.0.00% .*no difference"));
  EXPECT_THAT(text, HasSubstr("INVALID: b.bin: it was late\n"));
  const Json json = Json::parse(comparison_json(before, after));
  EXPECT_EQ(json["after"]["verdict"], "invalid");
  EXPECT_EQ(json["differences"]["p50"]["shown"], true);
  EXPECT_EQ(json["differences"]["rate"].contains("interval"), false);
}

}  // namespace
}  // namespace forebay::load
