#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <span>
#include <string>

namespace forebay::net {

/// One end of a connection that never blocks: what a Stream and a TlsStream have in common.
class Transport {
 public:
  /// Told from within Poller::poll() only, never from within a call of the transport's.
  class User {
   public:
    /// There is something to read, or the peer has closed: see peer_closed().
    virtual void readable() = 0;
    /// A write that did not take everything can go on.
    virtual void writable() = 0;

   protected:
    ~User() = default;
  };

  virtual ~Transport() = default;

  [[nodiscard]] virtual int fd() const = 0;
  [[nodiscard]] virtual bool open() const = 0;
  /// Bytes read. 0: there are none now, or at_end().
  [[nodiscard]] virtual std::size_t read(std::span<char> into) = 0;
  /// Everything that the peer sent was read and no more will come, or the connection broke.
  [[nodiscard]] virtual bool at_end() const = 0;
  /// The peer sends no more; what it has sent may not be read yet.
  [[nodiscard]] virtual bool peer_closed() const = 0;
  /// It was reset, or both directions are closed: nobody is there any more.
  [[nodiscard]] virtual bool hung_up() const = 0;
  /// User::readable() will be called when there is something, also if that is known already.
  virtual void want_read() = 0;

  /// Bytes written; fewer than all when the socket is full, until User::writable(), or broken().
  [[nodiscard]] virtual std::size_t write(std::span<const iovec> parts) = 0;
  /// Nothing can be written any more.
  [[nodiscard]] virtual bool broken() const = 0;
  /// The last write was not taken whole: User::writable() will be called.
  [[nodiscard]] virtual bool blocked() const = 0;

  /// Says that we send no more (RFC 9112 section 9.6).
  virtual void shutdown_write() = 0;
  /// Nothing more is told to the user.
  virtual void close() = 0;

  /// Why it broke, if more is known than that: TLS alerts may come at any time.
  [[nodiscard]] virtual std::string failure() const { return {}; }
};

}  // namespace forebay::net
