#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "base/fd.h"
#include "net/timer.h"
#include "net/watch.h"

namespace forebay::workers {

/// What the front knows of one worker process; a seat has one, or none.
///
///   kNone --fork--> kStarting --loaded--> kReady --told to leave--> kLeaving
///     ^                 |                    |                         |
///     |                 v                    v                         v
///     +--the zygote told how it ended----- kDead <------its pidfd------+
struct Worker {
  enum class State {
    kNone,      // no process: the seat is free
    kStarting,  // forked, loading the application
    kReady,
    kLeaving,  // has got SIGTERM: finishes what it runs
    kDead,     // its process is gone, the zygote has not told how yet
  };
  /// Why another one is to take its place. It serves until that one is ready.
  enum class Wear { kNone, kRequests, kMemory };

  State state = State::kNone;
  Wear wear = Wear::kNone;
  pid_t pid = 0;
  TimePoint forked_at;     // the zygote was asked for it
  TimePoint ready_at;      // zero: never was
  TimePoint timed_out_at;  // zero: no request of it ran too long
  bool boot_timed_out = false;
  bool over_memory = false;     // so much that we killed it
  std::string_view killed_for;  // why we did; empty: we did not
  bool ran = false;             // a request, however that ended
  bool dismissed = false;       // we told it to leave: its death is no failure at all
  std::uint64_t runs = 0;       // requests that it has finished
  std::uint64_t runs_max = 0;   // it is worn after so many; 0: never
  Fd pidfd;
  Fd control;  // our end
  std::optional<net::Watch> death_watch;
  std::optional<net::Watch> control_watch;
  std::unique_ptr<net::Timer> timer;            // its time to boot, or to finish while it leaves
  std::unordered_map<std::uint64_t, Fd> files;  // by ticket: announced, their record not yet read
};

/// A worker that dies sooner, without having had a request, has failed to boot.
inline constexpr std::chrono::seconds kProof{5};

/// It has lived for a while, so that its death is no failure to boot.
inline bool is_proven(const Worker& worker) {
  return worker.ready_at != TimePoint{} && Clock::now() - worker.ready_at > kProof;
}

}  // namespace forebay::workers
