#pragma once

#include <poll.h>

#include <functional>
#include <memory>
#include <utility>

#include <boost/asio/posix/descriptor_base.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "net/loop.h"

namespace forebay::net {

/// Calls `readable` whenever a descriptor that it does not own has something to read, until it is
/// destroyed; that may happen within the call. For what is rare: pidfds, control sockets, signals.
class Watch {
 public:
  Watch(Loop& loop, int fd, std::function<void()> readable)
      : state_(std::make_shared<State>(loop, fd, std::move(readable))) {
    wait(state_);
  }
  Watch(Watch&&) = default;
  Watch& operator=(Watch&& other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~Watch() {
    if (state_) {
      state_->readable = nullptr;
      state_->descriptor.release();
    }
  }

 private:
  struct State {
    State(Loop& loop, int fd, std::function<void()> callback)
        : descriptor(loop.executor(), fd), readable(std::move(callback)) {}
    asio::posix::basic_stream_descriptor<Executor> descriptor;
    std::function<void()> readable;
  };

  /// Asio's word is a hint. A descriptor gets the place in its tables of one that was released just
  /// before, and with it news of that one that are still in its queue.
  static bool is_readable(State& state) {
    pollfd look{state.descriptor.native_handle(), POLLIN, 0};
    return ::poll(&look, 1, 0) > 0;
  }

  static void wait(const std::shared_ptr<State>& state) {
    state->descriptor.async_wait(asio::posix::descriptor_base::wait_read,
                                 [state](const boost::system::error_code& error) {
                                   if (!error && state->readable && is_readable(*state)) {
                                     const std::function<void()> readable = state->readable;
                                     readable();
                                   }
                                   if (!error && state->readable) {
                                     wait(state);
                                   }
                                 });
  }

  std::shared_ptr<State> state_;
};

}  // namespace forebay::net
