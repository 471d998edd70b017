#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "load/downsample.h"
#include "load/figures.h"
#include "load/page.h"

/// What the page of `forebay plot` shows of attacks.
namespace forebay::load {

/// The hits of one attack that ended the same way.
struct Ending {
  std::string word;  // "200", "503", or of a Failure: "refused"
  Series::Tone tone = Series::Tone::kGood;
  std::vector<Point> hits;  // x: intended, in seconds; y: latency in ms
};

struct Attack {
  std::string name;
  Figures figures;
  std::vector<Ending> endings;  // after prepare(): the good first, hits by time, from 0 s
  double intended_s = 0;        // of the last hit
  double ended_s = 0;           // when all were over
};

/// Puts the attack's hits in order, and its clock to the first of them.
void prepare(Attack& attack);

/// Figures and tables.
void describe(const std::vector<Attack>& attacks, Page& page);

/// These have no series where there is nothing to show.
Chart latency_chart(const std::vector<Attack>& attacks, std::size_t threshold);
Chart percentile_chart(const std::vector<Attack>& attacks);  // over time
Chart ends_chart(const std::vector<Attack>& attacks);        // answers and errors per second
Chart quantile_chart(const std::vector<Attack>& attacks);    // the distribution

// What they are made of.

/// The name of what belongs to one of several attacks.
[[nodiscard]] std::string label(const std::vector<Attack>& attacks, const Attack& attack,
                                std::string_view what);
[[nodiscard]] std::span<const Ending> successful(const Attack& attack);
[[nodiscard]] std::vector<float> sorted_latencies(std::span<const Ending> endings);
/// The value at the place n * q + 1/2 of sorted values, linear between two (type 5 of Hyndman and
/// Fan 1996). 0 without values.
[[nodiscard]] double quantile(std::span<const float> sorted, double q);
/// "812 µs", "37.88 ms", "1.254 s".
[[nodiscard]] std::string duration_text(double ms);
/// "1,203,332".
[[nodiscard]] std::string count_text(std::uint64_t count);

}  // namespace forebay::load
