#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/json.h"
#include "base/result.h"
#include "net/watch.h"
#include "workers/options.h"

namespace forebay::workers {

/// The Python process that forks workers on command and reports their births and deaths. It speaks
/// JSON over a SOCK_SEQPACKET pair, an object a packet; descriptors travel beside it.
class Zygote {
 public:
  /// What it inherits.
  struct Inherited {
    int memfd;  // the channel
    int wake;   // the front's eventfd
    int life;   // readable end of a pipe: at its end the front is dead, and so must they be
    int tracebacks;
  };
  /// What it reports; never from within a call.
  struct Events {
    std::function<void()> ready;
    std::function<void(unsigned worker, pid_t pid, Fd pidfd)> born;
    std::function<void(unsigned worker)> unborn;  // it could not be forked
    std::function<void(pid_t pid, int wait_status)> died;
    std::function<void(int level, std::string_view text)> log;
    std::function<void(int wait_status)> exited;  // the zygote itself
  };

  /// Starts the interpreter. Errors: it cannot be executed.
  static Result<std::unique_ptr<Zygote>> spawn(net::Loop& loop, const Options& options,
                                               const Inherited& inherited, Events events);
  Zygote(const Zygote&) = delete;
  Zygote& operator=(const Zygote&) = delete;
  ~Zygote();

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// Forks a worker that gets `control`, its end of the pair that the front keeps the other end of.
  Result<void> fork_worker(unsigned worker, const Fd& control);
  void quit();
  void kill();
  /// It writes what it does into its part of the tracebacks.
  void show_traceback();

 private:
  Zygote(net::Loop& loop, pid_t pid, Fd pidfd, Fd control, Events events);
  Result<void> send(const Json& message, int fd = -1);
  bool receive();
  void dispatch(const Json& message, Fd fd);
  void exited();

  pid_t pid_;
  Fd pidfd_;
  Fd control_;
  Events events_;
  bool reaped_ = false;
  std::optional<net::Watch> control_watch_;
  std::optional<net::Watch> death_watch_;
};

}  // namespace forebay::workers
