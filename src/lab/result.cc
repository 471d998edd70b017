#include "lab/result.h"

#include <algorithm>
#include <cmath>

namespace forebay::lab {

std::uint64_t Queue::longest() const {
  const auto most = std::ranges::max_element(waiting);
  return most == waiting.end() ? 0 : *most;
}

std::uint64_t Settings::requests() const {
  return static_cast<std::uint64_t>(std::max(1LL, std::llround(rate * duration)));
}

std::uint64_t Run::count(const std::string& status) const {
  const auto found = statuses.find(status);
  return found == statuses.end() ? 0 : found->second;
}

void Promise::keep_in_time(bool in_time, const Run& run) {
  kept = in_time;
  unclear = !in_time && run.late;
}

bool Experiment::kept() const {
  return std::ranges::all_of(
      promises, [](const Promise& promise) { return promise.stack != "forebay" || promise.kept; });
}

bool Experiment::broken() const {
  return std::ranges::any_of(promises, [](const Promise& promise) {
    return promise.stack == "forebay" && !promise.kept && !promise.unclear;
  });
}

}  // namespace forebay::lab
