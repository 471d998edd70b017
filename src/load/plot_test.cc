#include "load/plot.h"

#include <array>
#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"

namespace forebay::load {
namespace {

using std::chrono::milliseconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::int64_t kStartNs = 1'763'712'000'000'000'000;  // 2025-11-21 08:00:00 UTC

Hit hit(double at_s, double latency_ms, int code = 200, Failure failure = Failure::kNone) {
  Hit hit;
  hit.code = code;
  hit.intended_ns = kStartNs + std::llround(at_s * 1e9);
  hit.latency = from_seconds(latency_ms / 1000);
  hit.failure = failure;
  return hit;
}

const Chart& chart(const Page& page, std::string_view title) {
  return *std::ranges::find(page.charts, title, &Chart::title);
}

std::vector<std::string> names(const Chart& chart) {
  std::vector<std::string> all;
  all.reserve(chart.series.size());
  for (const Series& series : chart.series) {
    all.push_back(series.name);
  }
  return all;
}

TEST(Plot, SecondsCountFromTheFirstHitWhateverTheOrder) {
  Plot plot({});
  plot.add(hit(2, 20));
  plot.add(hit(1, 10));
  plot.add(hit(4, 40));
  const Page page = std::move(plot).page();
  EXPECT_THAT(chart(page, "Latency").series.front().points,
              ElementsAre(Point{0, 10}, Point{1, 20}, Point{3, 40}));
  EXPECT_THAT(page.subtitle, HasSubstr("2025-11-21 08:00:01 UTC"));
}

TEST(Plot, TellsEndsApartByStatusAndError) {
  Plot plot({});
  plot.add(hit(0, 1, 503, Failure::kStatus));
  plot.add(hit(1, 1, 0, Failure::kConnectTimeout));
  plot.add(hit(2, 1, 0, Failure::kRefused));
  plot.add(hit(3, 1));
  plot.add(hit(4, 1, 200, Failure::kReset));
  plot.add(hit(5, 1, 0, Failure::kReset));
  const Page page = std::move(plot).page();
  const Chart& latency = chart(page, "Latency");
  EXPECT_THAT(names(latency), ElementsAre("200", "reset", "503", "refused", "connect timeout"));
  EXPECT_EQ(latency.series[0].tone, Series::Tone::kGood);
  EXPECT_EQ(latency.series[1].tone, Series::Tone::kBad);
  EXPECT_EQ(latency.series[4].tone, Series::Tone::kCensored);
  EXPECT_THAT(page.notes, Contains(HasSubstr("1 hit was given up")));
}

TEST(Plot, EachAttackHasItsOwnStartAndItsOwnSeries) {
  Plot plot({});
  for (const auto& [name, start] : {std::pair{"b", 100.0}, std::pair{"a", 7.0}}) {
    for (const double at : {0.0, 1.0}) {
      Hit one = hit(start + at, 5);
      one.attack = name;
      plot.add(one);
    }
  }
  const Page page = std::move(plot).page();
  const Chart& latency = chart(page, "Latency");
  EXPECT_THAT(names(latency), ElementsAre("b: 200", "a: 200"));
  EXPECT_EQ(latency.series[0].points, latency.series[1].points);
  EXPECT_EQ(page.tables.front().title, "The attacks");
}

TEST(Plot, ThinsEachSeriesToTheThresholdAndSaysSo) {
  Plot plot({.threshold = 50});
  for (int i = 0; i < 1200; ++i) {
    plot.add(hit(i * 0.01, i == 777 ? 9000 : 5 + (i % 3)));
  }
  const Page page = std::move(plot).page();
  const Chart& latency = chart(page, "Latency");
  const std::vector<Point>& points = latency.series.front().points;
  EXPECT_LE(points.size(), 50U);
  EXPECT_DOUBLE_EQ(std::ranges::max(points, {}, &Point::y).y, 9000);
  EXPECT_THAT(latency.note, HasSubstr(format("{} of 1,200 hits are shown", points.size())));
}

TEST(Plot, CountsEndsWhenTheyEnded) {
  Plot plot({});
  for (int i = 0; i < 10; ++i) {
    plot.add(hit(0, 100 * i + 50));  // ten at once, one of them done in each tenth of a second
  }
  const Page page = std::move(plot).page();
  const Chart& ends = chart(page, "What became of the hits");
  ASSERT_THAT(names(ends), ElementsAre("200", "in flight"));
  ASSERT_EQ(ends.series[0].points.size(), 10U);
  for (const Point& point : ends.series[0].points) {
    EXPECT_DOUBLE_EQ(point.y, 10) << "per second, at " << point.x;
  }
  EXPECT_DOUBLE_EQ(ends.series[1].points[5].y, 5);
  EXPECT_DOUBLE_EQ(ends.series[1].points.back().y, 0);
}

TEST(Plot, FiguresAreThoseOfTheReport) {
  Plot plot({});
  for (int i = 0; i < 10'000; ++i) {  // vegeta's own test vector, twice as slow
    constexpr std::array kCodes{200, 302, 500};
    const int code = kCodes.at(static_cast<std::size_t>(i) % 3);
    plot.add(hit(i, (i + 1) / 500.0, code, code == 500 ? Failure::kStatus : Failure::kNone));
  }
  std::vector<std::string> figures;
  for (const Figure& figure : std::move(plot).page().figures) {
    figures.push_back(figure.name + " " + figure.value);
  }
  EXPECT_THAT(figures, ElementsAre("requests 10,000", "rate 1/s", "success 66.67 %", "p50 10 ms",
                                   "p90 18 ms", "p99 19.8 ms", "max 20 ms"));
}

TEST(Plot, WarnsOfRunsThatAreNotToBeTrusted) {
  Plot plot({});
  Hit one = hit(0, 1);
  one.attack = "one";
  plot.add(one);
  load::Run run;
  run.name = "one";
  run.schedule = "constant 5/1s";
  run.invalid = {"the moon was full"};
  plot.add(run);
  const Page page = std::move(plot).page();
  EXPECT_THAT(page.warnings, Contains("one: not to be trusted: the moon was full"));
  EXPECT_THAT(page.warnings, Contains(HasSubstr("break off")));
  EXPECT_THAT(page.subtitle, HasSubstr("constant 5/1s"));
}

TEST(Plot, NothingIsAPageToo) {
  const Page page = Plot({}).page();
  EXPECT_THAT(page.charts, IsEmpty());
  EXPECT_THAT(page.notes, ElementsAre("There are no hits in these results."));
}

TEST(Plot, TooManyAttacksAndEndsArePutTogether) {
  Plot plot({});
  for (int i = 0; i < 100; ++i) {
    for (int code = 400; code < 500; ++code) {
      Hit one = hit(i, 1, code, Failure::kStatus);
      one.attack = format("{}", i);
      plot.add(one);
    }
  }
  const Page page = std::move(plot).page();
  EXPECT_EQ(page.tables.front().rows.size(), Plot::kAttacksMax);
  EXPECT_EQ(page.tables.front().rows.back().front(), "all others");
  EXPECT_EQ(chart(page, "Latency").series.size(), Plot::kAttacksMax * (Plot::kEndingsMax + 1));
  EXPECT_THAT(names(chart(page, "Latency")), Contains("0: other errors"));
}

TEST(Plot, TimesAtTheEndOfTheWorldDoNotMatter) {
  Plot plot({});
  using Limits = std::numeric_limits<std::int64_t>;
  for (const std::int64_t intended_ns : {Limits::min(), std::int64_t{0}, Limits::max()}) {
    for (const Duration latency : {Duration::min(), Duration::max()}) {
      Hit one;
      one.intended_ns = intended_ns;
      one.latency = latency;
      plot.add(one);
    }
  }
  EXPECT_FALSE(html(std::move(plot).page()).empty());
}

}  // namespace
}  // namespace forebay::load
