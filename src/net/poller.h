#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/clock.h"
#include "base/fd.h"
#include "base/list.h"

namespace forebay::net {

struct AskedTag {};

/// Whoever has a descriptor in a Poller.
class Polled : public Link<AskedTag> {
 public:
  /// `events` as from epoll_wait(2). May destroy this object, and others.
  virtual void ready(std::uint32_t events) = 0;

 protected:
  ~Polled() = default;
};

/// An epoll(7) instance: descriptors are registered once, for as long as they are open, and nothing
/// is asked of the kernel from one event to the next. One thread.
class Poller {
 public:
  Poller();

  /// `events` as for epoll_ctl(2). Errors (false, errno): too many descriptors for this user
  /// (fs.epoll.max_user_watches), or for the kernel's memory.
  [[nodiscard]] bool add(int fd, std::uint32_t events, Polled& polled);
  /// Other events from now on. Tells anew what is so already.
  void change(int fd, std::uint32_t events, Polled& polled);
  /// Nothing more is told to it. `fd` is still open: while another process holds a duplicate, the
  /// kernel would go on telling.
  void remove(int fd, Polled& polled);
  /// The same for a descriptor of which there is no duplicate and that is about to be closed.
  void forget(Polled& polled);
  /// Calls it in the next turn, with no events, whatever the kernel says. Once, however often
  /// asked.
  void ask(Polled& polled);

  /// Waits for news, `longest` at most, and not at all when somebody was asked for.
  void wait(Duration longest);
  /// Tells whoever the last wait() brought news for; returns how many those were.
  std::size_t tell();
  /// Both.
  std::size_t poll(Duration longest) {
    wait(longest);
    return tell();
  }

 private:
  static constexpr std::size_t kEventsPerTurn = 64;

  Fd epoll_;
  std::array<epoll_event, kEventsPerTurn> events_{};
  std::span<epoll_event> untold_;  // of the last wait
  List<Polled, AskedTag> asked_;
};

}  // namespace forebay::net
