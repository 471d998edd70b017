#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"

namespace forebay::load {

/// What an attack says of itself, beside its hits. Only our binary format carries it: vegeta counts
/// every line of JSON as a hit.
struct Run {
  // At the start.
  std::string name;
  std::string schedule;               // the options in words: "constant 200/1s for 1s"
  std::uint64_t schedule_hash = 0;    // equal schedules, equal hash, whatever the shard
  std::optional<std::uint64_t> hits;  // intended of this shard; none: until a signal
  std::uint64_t shard = 0;            // k of K
  std::uint64_t shards = 1;
  std::int64_t start_ns = 0;      // of the schedule, since the Unix epoch
  bool closed_loop = false;       // -concurrency, or -rate 0: latency counts from `sent`
  std::uint64_t concurrency = 0;  // of a closed loop: hits at a time

  // At the end; ended is false in a stream that was cut.
  bool ended = false;
  bool interrupted = false;          // by a signal
  std::uint64_t released = 0;        // hits; fewer than `hits` after a signal
  Duration elapsed{0};               // from the start until the last hit was over
  Duration cpu{0};                   // of this process, user and system
  std::uint64_t connections = 0;     // opened
  std::vector<std::string> invalid;  // why the figures are not to be trusted, as seen by the attack

  [[nodiscard]] bool operator==(const Run&) const = default;
};

}  // namespace forebay::load
