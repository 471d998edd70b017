#include "load/downsample.h"

#include <algorithm>
#include <cmath>

namespace forebay::load {
namespace {

Point mean(std::span<const Point> points) {
  Point sum;
  for (const Point& point : points) {
    sum.x += point.x;
    sum.y += point.y;
  }
  const auto count = static_cast<double>(points.size());
  return {.x = sum.x / count, .y = sum.y / count};
}

/// Twice the area.
double triangle(const Point& a, const Point& b, const Point& c) {
  return std::abs(((a.x - c.x) * (b.y - a.y)) - ((a.x - b.x) * (c.y - a.y)));
}

/// The point of `bucket` that makes the largest triangle with the one chosen before it and the
/// middle of what comes next.
std::size_t largest(std::span<const Point> bucket, const Point& before, const Point& after) {
  const auto area = [&](const Point& point) { return triangle(before, point, after); };
  return static_cast<std::size_t>(std::ranges::max_element(bucket, {}, area) - bucket.begin());
}

std::size_t highest(std::span<const Point> bucket) {
  return static_cast<std::size_t>(std::ranges::max_element(bucket, {}, &Point::y) - bucket.begin());
}

}  // namespace

std::vector<Point> downsample(std::span<const Point> points, std::size_t threshold) {
  threshold = std::max(threshold, kThresholdMin);
  if (points.size() <= threshold) {
    return {points.begin(), points.end()};
  }
  // Two points of each bucket, and the two ends.
  const std::size_t buckets = (threshold - 2) / 2;
  const std::span<const Point> inner = points.subspan(1, points.size() - 2);
  const auto bucket = [&](std::size_t i) {
    const std::size_t begin = i * inner.size() / buckets;
    return inner.subspan(begin, ((i + 1) * inner.size() / buckets) - begin);
  };

  std::vector<Point> kept{points.front()};
  kept.reserve(threshold);
  Point before = points.front();
  for (std::size_t i = 0; i < buckets; ++i) {
    const std::span<const Point> here = bucket(i);
    const Point after = i + 1 < buckets ? mean(bucket(i + 1)) : points.back();
    const std::size_t shape = largest(here, before, after);
    const std::size_t peak = highest(here);
    kept.push_back(here[std::min(shape, peak)]);
    if (shape != peak) {
      kept.push_back(here[std::max(shape, peak)]);
    }
    before = here[shape];
  }
  kept.push_back(points.back());
  return kept;
}

}  // namespace forebay::load
