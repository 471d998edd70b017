#include "load/blocks.h"

#include <utility>

namespace forebay::load {

void Blocks::add(std::int64_t start_ns, Duration latency) {
  blocks_[start_ns / width_.count()].record(latency);
  while (blocks_.size() > kCountMax) {
    double_width();
  }
}

void Blocks::double_width() {
  width_ *= 2;
  std::map<std::int64_t, HdrHistogram> wider;
  for (auto& [number, block] : blocks_) {
    const auto [at, fresh] = wider.try_emplace(number / 2, std::move(block));
    if (!fresh) {
      at->second.merge(block);
    }
  }
  blocks_ = std::move(wider);
}

}  // namespace forebay::load
