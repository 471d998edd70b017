#include "load/merged_hits.h"

#include <poll.h>

#include <algorithm>
#include <utility>

#include "load/saturate.h"
#include "load/validity.h"

namespace forebay::load {
namespace {

std::int64_t end_of(const Hit& hit) { return sum(hit.intended_ns, hit.latency.count()); }

}  // namespace

Result<MergedHits> MergedHits::open(const std::vector<std::string>& paths, int stop) {
  MergedHits merged(stop);
  for (const std::string& path : paths.empty() ? std::vector<std::string>{"stdin"} : paths) {
    auto reader = HitReader::open(path, stop);
    if (!reader) {
      return std::unexpected(reader.error());
    }
    merged.empty_.push_back(merged.streams_.size());
    merged.streams_.push_back({.reader = std::move(*reader), .next = {}});
  }
  return merged;
}

Result<bool> MergedHits::next(Hit& hit) {
  const Result<bool> filled = fill();
  if (!filled || !*filled) {
    return filled;
  }
  const auto later = [&](std::size_t a, std::size_t b) {
    return end_of(streams_[a].next) > end_of(streams_[b].next);
  };
  std::ranges::pop_heap(ready_, later);
  std::swap(hit, streams_[ready_.back()].next);
  empty_.push_back(ready_.back());
  ready_.pop_back();
  return true;
}

/// Every stream that is not over has its next hit. False: none has, or `stop_` is readable.
Result<bool> MergedHits::fill() {
  const auto later = [&](std::size_t a, std::size_t b) {
    return end_of(streams_[a].next) > end_of(streams_[b].next);
  };
  while (!empty_.empty()) {
    Stream& stream = streams_[empty_.back()];
    const Result<bool> found = stream.reader->next(stream.next);
    if (!found) {
      return found;
    }
    if (*found) {
      ready_.push_back(empty_.back());
      std::ranges::push_heap(ready_, later);
    } else if (stopped()) {
      return false;
    }
    empty_.pop_back();
  }
  if (!std::exchange(checked_, true)) {
    const Result<void> fits = same_schedule(runs());
    if (!fits) {
      return std::unexpected(fits.error());
    }
  }
  return !ready_.empty();
}

std::vector<Run> MergedHits::runs() const {
  std::vector<Run> all;
  for (const Stream& stream : streams_) {
    if (const Run* run = stream.reader->run()) {
      all.push_back(*run);
    }
  }
  return all;
}

bool MergedHits::stopped() const {
  pollfd descriptor{.fd = stop_, .events = POLLIN, .revents = 0};
  return stop_ >= 0 && ::poll(&descriptor, 1, 0) > 0;
}

}  // namespace forebay::load
