#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "front/backend.h"
#include "front/front.h"
#include "net/timer.h"
#include "workers/generation.h"
#include "workers/options.h"

namespace forebay::workers {

/// The backend of `forebay serve`: our own workers. Normally one generation; during a reload two or
/// more, of which the newest that has booted gets the requests. One thread.
class Pool final : public front::Backend {
 public:
  struct Events {
    std::function<void()> ready;  // some worker is for the first time; also: a reload is over
    std::function<void(int exit_code)> failed;  // no generation could ever boot
  };

  /// `options` and `front` outlive the pool.
  Pool(front::Front& front, const Options& options, Events events);
  ~Pool() override;

  /// Starts the first generation. Errors: no interpreter, no memory.
  Result<void> start();
  /// One worker more or less, between 1 and Options::workers_max(); reloads keep the number.
  void change_workers(int by);
  /// Boots a new generation beside the serving one, then retires that; the queue waits. If the new
  /// one does not boot, the old one stays.
  void reload();
  /// Lets workers finish and leave, kills them after `patience`; `stopped` when none is left.
  void stop(Duration patience, std::function<void()> stopped);
  /// The end: nobody is forked in their place.
  void kill_workers(int signal);
  /// On SIGCHLD.
  void reap_orphans();

  [[nodiscard]] bool ready() const override { return serving_ != nullptr && serving_->ready(); }
  [[nodiscard]] front::WorkerCounts count_workers() const override;
  bool start(front::Exchange& exchange) override;
  bool cancel(front::Exchange& exchange) override;
  void abandon(front::Exchange& exchange) override;
  bool begun(front::Exchange& exchange) override;

 private:
  Result<void> add_generation();
  void booted(Generation& generation);
  void gone(Generation& generation, int exit_code);
  void retry_orphan();
  void update_capacity();
  void check_timeouts();
  void watch_timeouts();

  front::Front& front_;
  const Options& options_;
  Events events_;
  std::function<void()> stopped_;
  Fd life_read_;
  Fd life_write_;  // closed by our death alone
  std::vector<std::unique_ptr<Generation>> generations_;
  unsigned wanted_;
  Generation* serving_ = nullptr;
  net::Timer timer_;
  net::Timer retry_timer_;
  bool told_ready_ = false;
  bool stopping_ = false;
};

}  // namespace forebay::workers
