#include "lab/measure.h"

#include <algorithm>

namespace forebay::lab {

double useful_capacity(const Run& run, double from, double until) {
  if (run.answers.empty() || until <= from) {
    return 0;
  }
  const auto came = std::ranges::count_if(run.answers, [&](const Answer& answer) {
    const double at = answer.at + answer.latency;
    return answer.status == 200 && at >= from && at < until;
  });
  const double each = static_cast<double>(run.requests) / static_cast<double>(run.answers.size());
  const double possible = run.settings.workers * (until - from) / run.settings.service;
  return static_cast<double>(came) * each / possible;
}

std::uint64_t in_vain(const Run& run) {
  return run.started.size() > run.ok() ? run.started.size() - run.ok() : 0;
}

std::optional<double> well_again(const Run& run, double end, double prompt) {
  double since = end;
  for (const Answer& answer : run.answers) {  // in order of `at`
    if (answer.at >= end && (answer.status != 200 || answer.latency > prompt)) {
      since = answer.at + answer.latency;
    }
  }
  const bool ever = !run.answers.empty() && since < run.answers.back().at;
  return ever ? std::optional(since - end) : std::nullopt;
}

}  // namespace forebay::lab
