#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/fd.h"
#include "net/poller.h"

namespace forebay::net {

/// One end of a connection, TCP or unix, that never blocks. It is registered for life with
/// edge-triggered epoll(7): while nothing is there to read and everything can be written, no call
/// is spent on asking.
class Stream final : private Polled {
 public:
  /// Told from within Poller::poll() only, never from within a call of the stream's.
  class User {
   public:
    /// There is something to read, or the peer has closed: see peer_closed().
    virtual void readable() = 0;
    /// A write that did not take everything can go on.
    virtual void writable() = 0;

   protected:
    ~User() = default;
  };

  /// `socket` is non-blocking. Without a place in the poller (see Poller::add) it is closed at
  /// once.
  Stream(Poller& poller, Fd socket, User& user);
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() { close(); }

  [[nodiscard]] int fd() const { return socket_.get(); }
  [[nodiscard]] bool open() const { return bool(socket_); }
  /// Bytes read. 0: there are none now, or at_end().
  [[nodiscard]] std::size_t read(std::span<char> into);
  /// Everything that the peer sent was read and no more will come, or the connection broke.
  [[nodiscard]] bool at_end() const { return at_end_ || !open(); }
  /// The peer sends no more; what it has sent may not be read yet.
  [[nodiscard]] bool peer_closed() const { return peer_closed_ || at_end(); }
  /// It was reset, or both directions are closed: nobody is there any more.
  [[nodiscard]] bool hung_up() const { return hung_up_ || broken(); }
  /// User::readable() will be called when there is something, also if that is known already.
  void want_read();

  /// Bytes written; fewer than all when the socket is full, until User::writable(), or broken().
  [[nodiscard]] std::size_t write(std::span<const iovec> parts);
  /// The same from a file, sendfile(2): at most `bytes` from `offset` on, which it moves. 0 also
  /// when the file ends there.
  [[nodiscard]] std::size_t write_file(int file, std::uint64_t& offset, std::size_t bytes);
  /// Bytes written that the peer has not taken: they lie in the kernel, or are under way.
  [[nodiscard]] std::uint64_t unsent() const;
  /// Nothing can be written any more.
  [[nodiscard]] bool broken() const { return broken_ || !open(); }
  /// The last write was not taken whole: User::writable() will be called.
  [[nodiscard]] bool blocked() const { return blocked_; }

  /// Says that we send no more (RFC 9112 section 9.6).
  void shutdown_write();
  /// Nothing more is told to the user.
  void close();
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
