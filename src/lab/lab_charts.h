#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "lab/result.h"
#include "load/page.h"

/// What the page of an experiment shows of runs that stand side by side.
namespace forebay::lab {

/// Time from 0, in equal parts; in seconds.
struct Stretches {
  double length = 1;
  std::size_t count = 1;
};
/// 0.1, 0.2, 0.5, 1, 2, 5 ... seconds long, so that few enough reach to the end of all of them.
Stretches stretches_for(std::span<const Run> runs);

/// Something was `by` more from `at` on.
struct Step {
  double at = 0;
  double by = 0;
};
/// How much there was in each stretch, on average. In any order.
std::vector<double> means(const std::vector<Step>& steps, Stretches time);

/// Answers per second by their status, when they came; how long the queues were.
load::Chart answers_chart(const Run& run, Stretches time);
/// In whose hands the requests were: of workers, of a queue, of nobody that we see.
load::Chart places_chart(const Run& run, Stretches time);
/// Each request's latency, when it was due.
load::Chart latency_chart(std::span<const Run> runs);

}  // namespace forebay::lab
