#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "net/poller.h"
#include "net/timer.h"

namespace forebay::net {

/// A source of work that epoll cannot see, such as rings in shared memory.
class Source {
 public:
  virtual ~Source() = default;
  /// Does what there is to do now; returns how much that was.
  virtual std::size_t poll() = 0;
  /// The loop is about to block. False: there is work, poll again first. After true the source
  /// makes some file descriptor of the loop readable when work arrives, until end_sleep().
  virtual bool announce_sleep() = 0;
  virtual void end_sleep() = 0;
};

/// One thread's event loop: descriptors, timers, calls that were put off, and sources beside them.
/// It blocks only after everything was found idle twice with the CPU yielded once in between: the
/// other side gets to run first, and batches form by themselves.
class Loop {
 public:
  using Call = std::move_only_function<void()>;

  Loop() = default;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  [[nodiscard]] Poller& poller() { return poller_; }
  [[nodiscard]] TimerQueue& timers() { return timers_; }
  /// Calls it soon, not from within this call.
  void post(Call call) { posted_.push_back(std::move(call)); }

  /// Sources may be added and removed at any time, also from within their poll().
  void add(Source& source);
  void remove(Source& source);

  /// Runs until stop().
  void run();
  void stop() { stopped_ = true; }
  /// Keeps the CPU until it blocks: for who must not miss a moment.
  void never_yield() { yields_ = false; }

 private:
  std::size_t run_turn();
  std::size_t run_posted();
  std::size_t poll_sources();
  void block();
  [[nodiscard]] Duration until_next_timer() const;

  Poller poller_;
  TimerQueue timers_;
  std::vector<Call> posted_;
  std::vector<Source*> sources_;  // removed ones become null until the next sweep
  bool stopped_ = false;
  bool yields_ = true;
};

}  // namespace forebay::net
