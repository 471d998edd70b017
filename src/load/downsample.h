#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace forebay::load {

/// One place of a chart.
struct Point {
  double x = 0;
  double y = 0;
  [[nodiscard]] bool operator==(const Point&) const = default;
};

inline constexpr std::size_t kThresholdMin = 4;

/// Thins `points` (x ascending) to at most `threshold` of them, in order, or returns all if there
/// are no more than that. The points are cut into buckets of equal count. From each are taken the
/// one that keeps the shape of the line (largest triangle three buckets: Steinarsson,
/// "Downsampling Time Series for Visual Representation", 2013) and its maximum: a peak is never
/// lost. The first and the last point stay. A threshold below kThresholdMin counts as that.
[[nodiscard]] std::vector<Point> downsample(std::span<const Point> points, std::size_t threshold);

}  // namespace forebay::load
