#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "load/figures.h"
#include "load/report.h"

/// Hits made up for tests.
namespace forebay::load {

inline constexpr std::int64_t kTestStart = 1'700'000'000'000'000'000;

inline Hit hit_at(Duration start, Duration latency, int code = 200) {
  Hit hit;
  hit.intended_ns = kTestStart + start.count();
  hit.latency = latency;
  hit.code = code;
  hit.method = "GET";
  hit.url = "http://localhost/";
  return hit;
}

inline Figures figures_of(const std::vector<Hit>& hits) {
  Figures figures;
  for (const Hit& hit : hits) {
    figures.add(hit);
  }
  return figures;
}

/// A hit per second, the i-th of `latency` * i, from 1 on.
inline std::vector<Hit> rising(int count, Duration latency) {
  std::vector<Hit> hits;
  for (int i = 1; i <= count; ++i) {
    hits.push_back(hit_at(std::chrono::seconds(i - 1), i * latency));
  }
  return hits;
}

}  // namespace forebay::load
