#pragma once

#include <sys/types.h>

#include <optional>
#include <unordered_map>

#include "base/clock.h"
#include "base/fd.h"
#include "net/watch.h"

namespace forebay::workers {

/// What the front knows of one worker process.
struct Worker {
  enum class State {
    kNone,      // no process: to be forked
    kStarting,  // forked, loading the application
    kReady,
    kDead,  // its process is gone, the zygote has not told how yet
  };
  State state = State::kNone;
  pid_t pid = 0;
  bool has_served = false;  // became ready: its death is no boot failure
  bool timed_out = false;   // we killed it for a request that ran too long
  Fd pidfd;
  Fd control;  // our end
  std::optional<net::Watch> death_watch;
  std::optional<net::Watch> control_watch;
  std::unordered_map<std::uint64_t, Fd> files;  // by ticket: announced, their record not yet read
};

}  // namespace forebay::workers
