#include "load/intervals.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <utility>

namespace forebay::load {
namespace {

/// The blocks as lists of values and how often each is there: what 400 draws can add up fast.
struct BlockLists {
  explicit BlockLists(const Blocks& all) {
    std::map<Duration, std::size_t> places;
    for (const auto& [number, block] : all.all()) {
      block.for_each([&](Duration lowest, Duration width, std::uint64_t) {
        places.emplace(lowest + width / 2, 0);
      });
    }
    for (auto& [value, place] : places) {
      place = values.size();
      values.push_back(static_cast<double>(value.count()));
    }
    for (const auto& [number, block] : all.all()) {
      auto& list = blocks.emplace_back();
      block.for_each([&](Duration lowest, Duration width, std::uint64_t count) {
        list.emplace_back(places.at(lowest + width / 2), count);
      });
    }
  }

  std::vector<double> values;                                              // in ns, ascending
  std::vector<std::vector<std::pair<std::size_t, std::uint64_t>>> blocks;  // place in values, count
};

}  // namespace

Resamples::Resamples(const Figures& figures, std::uint64_t seed) {
  if (figures.blocks.all().size() >= kBlocksMin) {
    draw_blocks(figures.blocks, seed);
  } else {
    draw_places(figures.latency, seed);
  }
}

void Resamples::draw_blocks(const Blocks& blocks, std::uint64_t seed) {
  const BlockLists all(blocks);
  std::mt19937_64 random(seed);
  for (std::size_t draw = 0; draw < kCount; ++draw) {
    std::vector<std::uint64_t> counts(all.values.size());
    std::uint64_t n = 0;
    for (std::size_t i = 0; i < all.blocks.size(); ++i) {
      for (const auto& [value, count] : all.blocks[random() % all.blocks.size()]) {
        counts[value] += count;
        n += count;
      }
    }
    std::uint64_t seen = 0;
    std::size_t next = 0;
    for (std::size_t value = 0; value < counts.size(); ++value) {
      seen += counts[value];
      while (next < kQuantiles.size() &&
             static_cast<double>(seen) >= static_cast<double>(n) * kQuantiles[next]) {
        drawn_[next++].push_back(all.values[value]);
      }
    }
  }
}

void Resamples::draw_places(const Distribution& latency, std::uint64_t seed) {
  const auto n = static_cast<double>(std::max<std::uint64_t>(latency.count(), 1));
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  for (std::size_t draw = 0; draw < kCount; ++draw) {
    for (std::size_t i = 0; i < kQuantiles.size(); ++i) {
      const double q = kQuantiles[i];
      const double place = q + normal(random) * std::sqrt(q * (1 - q) / n);
      drawn_[i].push_back(static_cast<double>(latency.quantile(place).count()));
    }
  }
}

std::array<Interval, kQuantiles.size()> intervals(const Figures& figures) {
  const Resamples resamples(figures, 1);
  const auto n = static_cast<double>(figures.requests);
  std::array<Interval, kQuantiles.size()> all;
  for (std::size_t i = 0; i < kQuantiles.size(); ++i) {
    const auto [low, high] = middle_of(resamples.of(i));
    if (n * kQuantiles[i] >= kBeyondMin) {
      all[i].low = Duration(std::llround(low));
    }
    if (n * (1 - kQuantiles[i]) >= kBeyondMin * (1 - 1e-9)) {
      all[i].high = Duration(std::llround(high));
    }
  }
  return all;
}

std::pair<double, double> middle_of(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t outside = values.size() / 40;
  return {values[outside], values[values.size() - 1 - outside]};
}

}  // namespace forebay::load
