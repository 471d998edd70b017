#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "base/check.h"
#include "net/loop.h"

namespace forebay::net {

/// Calls `readable` whenever a descriptor that it does not own has something to read, until it is
/// destroyed; that may happen within the call. The descriptor stays open for as long.
class Watch {
 public:
  Watch(Loop& loop, int fd, std::function<void()> readable)
      : state_(std::make_unique<State>(loop.poller(), fd, std::move(readable))) {}

 private:
  struct State final : Polled {
    State(Poller& on, int descriptor, std::function<void()> callback)
        : poller(on), fd(descriptor), readable(std::move(callback)) {
      CHECK(poller.add(fd, EPOLLIN, *this));
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() { poller.remove(fd, *this); }
    void ready(std::uint32_t /*events*/) override {
      const std::function<void()> call = readable;  // which may destroy this
      call();
    }
    Poller& poller;
    int fd;
    std::function<void()> readable;
  };
  std::unique_ptr<State> state_;
};

}  // namespace forebay::net
