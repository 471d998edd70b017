#include "load/live_meter.h"

#include <algorithm>
#include <utility>

namespace forebay::load {
namespace {

Duration quantile(const HdrHistogram& values, double q) {
  const auto count = static_cast<double>(values.count());
  return values.at_rank(std::clamp(q * count + 0.5, 1.0, count));
}

}  // namespace

void LiveMeter::hit(const Hit& hit) {
  const std::lock_guard lock(mutex_);
  ++statuses_[hit.code];
  ++failures_[static_cast<std::size_t>(hit.failure)];
  latencies_.record(hit.latency);
  slices_.back().latencies.record(hit.latency);
  if (hit.lag != kUnknown) {
    slices_.back().lags.record(hit.lag);
  }
}

void LiveMeter::read(LiveFigures& figures) {
  const std::lock_guard lock(mutex_);
  figures.statuses = statuses_;
  figures.failures = failures_;
  figures.latencies = latencies_;

  const Slice& oldest = slices_.front();
  figures.window = figures.elapsed - oldest.start;
  const double seconds = to_seconds(figures.window);
  if (seconds > 0) {
    figures.rate_sent = static_cast<double>(figures.released - oldest.released) / seconds;
    figures.rate_done = static_cast<double>(figures.done - oldest.done) / seconds;
  }
  HdrHistogram latencies;
  HdrHistogram lags;
  for (const Slice& slice : slices_) {
    latencies.merge(slice.latencies);
    lags.merge(slice.lags);
  }
  if (latencies.count() > 0) {
    figures.quantiles = {quantile(latencies, 0.5), quantile(latencies, 0.9),
                         quantile(latencies, 0.99)};
  }
  figures.lag_p99 = lags.count() > 0 ? quantile(lags, 0.99) : Duration{0};

  if (figures.elapsed - slices_.back().start >= kSlice) {
    slices_.push_back({figures.elapsed, figures.released, figures.done, {}, {}});
  }
  if (slices_.size() > kSlices) {
    slices_.pop_front();
  }
}

}  // namespace forebay::load
