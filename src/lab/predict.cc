#include "lab/predict.h"

#include <algorithm>
#include <vector>

#include "base/text.h"

namespace forebay::lab {
namespace {

std::uint64_t count(const Statuses& statuses, const std::string& status) {
  const auto found = statuses.find(status);
  return found == statuses.end() ? 0 : found->second;
}

}  // namespace

std::optional<Statuses> predict_classic(const Settings& settings) {
  const std::uint64_t limit = std::min(settings.backlog, settings.somaxconn);
  std::vector<double> free_at(settings.workers);  // when each worker is done with what it has
  std::vector<double> starts;                     // of what was taken, ascending
  Statuses statuses;
  for (std::uint64_t i = 0; i < settings.requests(); ++i) {
    const double now = static_cast<double>(i) / settings.rate;
    const auto waiting =
        static_cast<std::uint64_t>(starts.end() - std::ranges::upper_bound(starts, now));
    if (waiting > limit) {
      if (settings.tcp) {
        return std::nullopt;
      }
      statuses["502"]++;
      continue;
    }
    double& worker = *std::ranges::min_element(free_at);
    starts.push_back(std::max(now, worker));
    worker = starts.back() + settings.service;
    statuses[worker - now > settings.read_timeout ? "504" : "200"]++;
  }
  return statuses;
}

std::string text(const Statuses& statuses) {
  std::string words;
  for (const auto& [status, number] : statuses) {
    words += format("{}{} x {}", words.empty() ? "" : ", ", number, status);
  }
  return words;
}

bool alike(const Statuses& a, const Statuses& b, std::uint64_t tolerance) {
  const auto near = [&](const auto& entry) {
    const std::uint64_t x = count(a, entry.first);
    const std::uint64_t y = count(b, entry.first);
    return (x > y ? x - y : y - x) <= tolerance;
  };
  return std::ranges::all_of(a, near) && std::ranges::all_of(b, near);
}

}  // namespace forebay::lab
