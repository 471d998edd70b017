#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/fd.h"
#include "net/poller.h"
#include "net/transport.h"

namespace forebay::net {

/// One end of a connection, TCP or unix, that never blocks. It is registered for life with
/// edge-triggered epoll(7): while nothing is there to read and everything can be written, no call
/// is spent on asking.
class Stream final : public Transport, private Polled {
 public:
  /// `socket` is non-blocking. Without a place in the poller (see Poller::add) it is closed at
  /// once.
  Stream(Poller& poller, Fd socket, User& user);
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() override { Stream::close(); }

  [[nodiscard]] int fd() const override { return socket_.get(); }
  [[nodiscard]] bool open() const override { return bool(socket_); }
  [[nodiscard]] std::size_t read(std::span<char> into) override;
  [[nodiscard]] bool at_end() const override { return at_end_ || !open(); }
  [[nodiscard]] bool peer_closed() const override { return peer_closed_ || at_end(); }
  [[nodiscard]] bool hung_up() const override { return hung_up_ || broken(); }
  void want_read() override;

  [[nodiscard]] std::size_t write(std::span<const iovec> parts) override;
  [[nodiscard]] bool broken() const override { return broken_ || !open(); }
  [[nodiscard]] bool blocked() const override { return blocked_; }

  void shutdown_write() override;
  void close() override;

  /// Like write(), from a file, sendfile(2): at most `bytes` from `offset` on, which it moves. 0
  /// also when the file ends there.
  [[nodiscard]] std::size_t write_file(int file, std::uint64_t& offset, std::size_t bytes);
  /// Bytes written that the peer has not taken: they lie in the kernel, or are under way.
  [[nodiscard]] std::uint64_t unsent() const;
  /// Bytes have arrived that were not read.
  [[nodiscard]] bool has_unread() const;

 private:
  void ready(std::uint32_t events) override;
  std::size_t written(ssize_t sent, bool incomplete);
  void wait_writable();

  Poller& poller_;
  Fd socket_;
  User& user_;
  bool unread_ = false;  // there may be something to read
  bool peer_closed_ = false;
  bool at_end_ = false;
  bool hung_up_ = false;
  bool blocked_ = false;
  bool broken_ = false;
};

}  // namespace forebay::net
