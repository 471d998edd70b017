#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "load/client_options.h"
#include "load/collector.h"
#include "load/pacer.h"
#include "load/run.h"
#include "load/schedule.h"
#include "load/targets.h"
#include "net/address.h"

namespace forebay::load {

struct AttackOptions {
  TargetOptions targets;
  ScheduleOptions schedule;               // rate 0: closed loop
  std::optional<std::uint64_t> requests;  // of a closed loop; none: until schedule.duration
  std::uint64_t workers_max =
      UINT64_MAX;  // hits under way at once; of a closed loop: always so many
  std::uint64_t shard = 0;
  std::uint64_t shards = 1;
  std::optional<std::int64_t> start_at_ns;  // since the Unix epoch; none: now
  Pacing pacing = Pacing::kPrecise;
  unsigned threads = 0;  // 0: as many as the rate needs
  ClientOptions client;
  std::optional<net::Address> prometheus;  // where it may ask how it goes
  bool write = true;                       // the results, to `output`
  std::string output = "stdout";
  Encoding encoding = Encoding::kBinary;
};

/// What an attack has done so far, for whoever watches it.
struct Snapshot {
  Duration elapsed{0};
  std::optional<std::uint64_t> hits;  // in all; none: until a signal
  std::uint64_t released = 0;
  std::uint64_t done = 0;
  std::uint64_t connections = 0;
  std::size_t unwritten = 0;  // results
  bool over = false;          // the last one; hits are complete
};

struct AttackHooks {
  std::function<void(const Hit&)> hit;         // each finished one, on another thread
  std::function<void(const Snapshot&)> watch;  // five times a second, and at the end; may be empty
};

/// Runs an attack to its end. SIGINT and SIGTERM stop it: the first lets what is under way come to
/// its end, the second does not wait. Errors: targets, schedule or output; what is wrong with a
/// target is found in its hits.
Result<Run> attack(const AttackOptions& options, const AttackHooks& hooks);

}  // namespace forebay::load
