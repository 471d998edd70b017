#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "net/asio.h"
#include "net/event.h"

namespace forebay::front {

/// What a client has sent and nobody has consumed yet. While armed, bytes arrive by themselves, and
/// so does the news that the client has left. Bounded: a full buffer is not read into.
///
/// The owner must outlive a pending read: after closing the socket it waits until !pending().
class Input {
 public:
  Input(net::Socket& socket, net::Event& changed) : socket_(socket), changed_(changed) {}

  /// Starts a read unless one is pending, the client is gone, or the buffer is full. `bulk`: a body
  /// is coming, read in large pieces.
  void arm(bool bulk = false);
  [[nodiscard]] std::string_view data() const { return {buffer_.get() + begin_, end_ - begin_}; }
  void consume(std::size_t bytes) { begin_ += bytes; }
  /// The client has closed its side, or the connection broke.
  [[nodiscard]] bool gone() const { return gone_; }
  [[nodiscard]] bool pending() const { return pending_; }

 private:
  void make_room(std::size_t capacity);

  net::Socket& socket_;
  net::Event& changed_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool pending_ = false;
  bool gone_ = false;
};

}  // namespace forebay::front
