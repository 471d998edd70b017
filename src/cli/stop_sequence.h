#pragma once

#include "base/fd.h"
#include "cli/service_manager.h"
#include "front/front.h"
#include "net/timer.h"
#include "net/watch.h"
#include "workers/pool.h"

namespace forebay::cli {

/// What signals do, in gunicorn's words:
///
///   TERM        finish what is queued and running within the graceful timeout, then stop
///   INT, QUIT   stop now: what waits is refused, what runs is killed
///   HUP         new workers; the queue waits
///   TTIN, TTOU  one worker more, one less
///   USR1        open the log files anew
///
/// USR2 and WINCH, which gunicorn has for a second master, do nothing but a line in the log.
class StopSequence {
 public:
  StopSequence(front::Front& front, workers::Pool& pool, ServiceManager& manager,
               Duration graceful_timeout);

 private:
  void signalled();
  void handle(int signal);
  void stop_gracefully();
  void stop_now();
  /// All connections are gone.
  void drained();
  void refuse_rest();
  void stop_loop();

  front::Front& front_;
  workers::Pool& pool_;
  ServiceManager& manager_;
  Duration graceful_timeout_;
  Fd signals_;
  net::Watch watch_;
  net::Timer timer_;
  enum class Phase { kServing, kDraining, kHurrying } phase_ = Phase::kServing;
};

}  // namespace forebay::cli
