#pragma once

#include <optional>

#include "base/clock.h"
#include "base/fd.h"

namespace forebay::cli {

/// What may interrupt a command that reads a stream: SIGINT, and the end of each period.
class Alarms {
 public:
  /// SIGINT is blocked from now on.
  explicit Alarms(std::optional<Duration> every);

  /// Readable while there is something to take: the `stop` of load::HitReader.
  [[nodiscard]] int fd() const { return both_.get(); }

  struct Taken {
    bool stop = false;  // SIGINT, see take()
    bool tick = false;  // a period is over
    bool any = false;   // there was something to take
  };
  /// Ctrl-C on a terminal reaches a whole pipeline: whoever writes our input ends on his own, so
  /// only a second one stops us. SIGINT from a process, which only we got, does at once.
  Taken take();

 private:
  Fd both_;
  Fd signals_;
  Fd timer_;
  bool pressed_ = false;
};

}  // namespace forebay::cli
