#pragma once

#include <cstddef>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "net/asio.h"
#include "net/poller.h"

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

/// One thread's event loop: descriptors by its poller, timers and coroutines by Asio, and sources
/// beside them. It blocks only
/// after everything was found idle twice with the CPU yielded once in between: the other side gets
/// to run first, and batches form by themselves.
class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  [[nodiscard]] asio::io_context& context() { return context_; }
  [[nodiscard]] Poller& poller() { return poller_; }
  [[nodiscard]] Executor executor() { return context_.get_executor(); }

  /// Sources may be added and removed at any time, also from within their poll().
  void add(Source& source);
  void remove(Source& source);

  /// Runs until stop().
  void run();
  void stop() { stopped_ = true; }

 private:
  std::size_t run_ready();
  std::size_t poll_sources();
  void block();
  void watch_poller();

  asio::io_context context_{1};
  asio::executor_work_guard<Executor> work_;
  Poller poller_;
  /// The poller's own descriptor, for Asio to block on.
  asio::posix::basic_stream_descriptor<Executor> news_;
  bool watching_ = false;
  std::vector<Source*> sources_;  // removed ones become null until the next sweep
  bool stopped_ = false;
};

}  // namespace forebay::net
