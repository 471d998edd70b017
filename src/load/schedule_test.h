#pragma once

#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "load/schedule.h"

namespace forebay::load {

inline Schedule schedule(Rate rate, std::optional<Duration> duration,
                         const std::string& arrivals = "constant", std::uint64_t seed = 1) {
  Result<Schedule> made =
      Schedule::make({.rate = rate, .duration = duration, .arrivals = arrivals, .seed = seed});
  EXPECT_TRUE(made.has_value()) << (made ? "" : made.error().message);
  return std::move(made).value();
}

inline std::vector<Duration> all(const Schedule& of) {
  std::vector<Duration> offsets;
  Arrivals arrivals(of, 0, 1);
  while (const std::optional<Arrival> arrival = arrivals.next()) {
    EXPECT_EQ(arrival->sequence, offsets.size());
    offsets.push_back(arrival->offset);
  }
  return offsets;
}

}  // namespace forebay::load
