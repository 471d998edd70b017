#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "net/event.h"
#include "net/stream.h"

namespace forebay::front {

/// What a client has sent and nobody has consumed yet. While armed, bytes arrive by themselves, and
/// so does the news that the client has left. Bounded: a full buffer is not read into. While data()
/// is empty others may read from the stream.
class Input {
 public:
  Input(net::Stream& stream, net::Event& changed) : stream_(stream), changed_(changed) {}

  /// Wants bytes, unless the client is gone or the buffer is full. They come later, never from
  /// within this call. `bulk`: read them in large pieces.
  void arm(bool bulk = false);
  /// The stream has something to tell.
  void readable();
  [[nodiscard]] std::string_view data() const { return {buffer_.get() + begin_, end_ - begin_}; }
  void consume(std::size_t bytes) { begin_ += bytes; }
  /// The client has closed its side, or the connection broke.
  [[nodiscard]] bool gone() const { return gone_ || stream_.at_end(); }

 private:
  void make_room(std::size_t capacity);

  net::Stream& stream_;
  net::Event& changed_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool armed_ = false;
  bool gone_ = false;
};

}  // namespace forebay::front
