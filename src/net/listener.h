#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "net/address.h"
#include "net/loop.h"

namespace forebay::net {

/// A bound and listening socket, TCP or unix. The path of a unix socket that it bound is removed at
/// the end.
class Listener {
 public:
  /// Binds and listens. A unix socket that nobody listens at any more is replaced. Errors: address
  /// in use, no permission, and what to do about it.
  static Result<Listener> open(const Address& address, int backlog);
  /// Takes over a socket that somebody else has bound, whose path stays. Errors: it is no stream
  /// socket, or a connected one.
  static Result<Listener> adopt(Fd socket, int backlog);
  Listener(Listener&&) noexcept;
  Listener& operator=(Listener&&) = delete;
  ~Listener();

  [[nodiscard]] const Address& address() const { return address_; }
  [[nodiscard]] int fd() const { return socket_.get(); }
  /// It has bound a unix socket.
  [[nodiscard]] bool owns_path() const { return owns_path_; }

  /// Accepts for as long as the listener lives or until stop_accepting(): `accepted(socket)` for
  /// each connection, non-blocking and close-on-exec; `failed(errno)` when the process has no
  /// descriptor left, after which it tries again in a moment.
  void accept_on(Loop& loop, std::function<void(Fd)> accepted, std::function<void(int)> failed);
  /// Takes what waits in the kernel's queue, then stops.
  void stop_accepting();

 private:
  struct Acceptor;

  Listener(Fd socket, Address address, bool owns_path);

  Fd socket_;
  Address address_;
  bool owns_path_;
  std::unique_ptr<Acceptor> acceptor_;
};

}  // namespace forebay::net
