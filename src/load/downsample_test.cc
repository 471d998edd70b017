#include "load/downsample.h"

#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace forebay::load {
namespace {

using testing::Contains;

std::vector<Point> wave(std::size_t count) {
  std::vector<Point> points;
  for (std::size_t i = 0; i < count; ++i) {
    const auto x = static_cast<double>(i);
    points.push_back({.x = x, .y = 10 + std::sin(x / 50)});
  }
  return points;
}

TEST(Downsample, KeepsAllThatFits) {
  EXPECT_TRUE(downsample({}, 10).empty());
  EXPECT_EQ(downsample(wave(1), 10), wave(1));
  EXPECT_EQ(downsample(wave(10), 10), wave(10));
}

TEST(Downsample, NeverGivesMoreThanTheThreshold) {
  for (const std::size_t count : {5U, 11U, 100U, 4001U, 10000U}) {
    for (const std::size_t threshold : {0U, 1U, 3U, 4U, 5U, 10U, 99U, 4000U}) {
      const std::vector<Point> kept = downsample(wave(count), threshold);
      EXPECT_LE(kept.size(), std::max(threshold, kThresholdMin)) << count << " to " << threshold;
      EXPECT_GE(kept.size(), 3U);
    }
  }
}

TEST(Downsample, KeepsTheOrderAndBothEnds) {
  const std::vector<Point> all = wave(10000);
  const std::vector<Point> kept = downsample(all, 100);
  EXPECT_EQ(kept.front(), all.front());
  EXPECT_EQ(kept.back(), all.back());
  EXPECT_TRUE(std::ranges::is_sorted(kept, {}, &Point::x));
  EXPECT_EQ(std::ranges::adjacent_find(kept), kept.end()) << "no point twice";
}

TEST(Downsample, NeverLosesThePeakOfABucket) {
  for (std::size_t spike = 0; spike < 1000; ++spike) {
    std::vector<Point> points = wave(1000);
    points[spike].y = 11.001;  // barely above the wave: no triangle would choose it
    EXPECT_THAT(downsample(points, 20), Contains(points[spike])) << "the peak at " << spike;
  }
}

// Three buckets of three, between the ends; the triangles by hand. The middle one is stood for by
// its dip as well as by its maximum.
TEST(Downsample, KeepsTheShapeOfTheLine) {
  const std::vector<Point> points{{0, 5}, {1, 5}, {2, 9}, {3, 5}, {4, 5}, {5, 5},
                                  {6, 0}, {7, 5}, {8, 5}, {9, 1}, {10, 5}};
  const std::vector<Point> kept = downsample(points, 8);
  EXPECT_EQ(kept, (std::vector<Point>{{0, 5}, {2, 9}, {4, 5}, {6, 0}, {7, 5}, {10, 5}}));
}

TEST(Downsample, TakesManyPointsOfOneMoment) {
  const std::vector<Point> points(1000, Point{.x = 1, .y = 2});
  EXPECT_LE(downsample(points, 10).size(), 10U);
}

}  // namespace
}  // namespace forebay::load
