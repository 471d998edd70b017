#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"

namespace forebay::lab {

/// A client by hand, of a server on 127.0.0.1: it sends what it is told when it is told, and leaves
/// when it is destroyed.
class Client {
 public:
  /// Begins to connect. Errors: nobody listens, no descriptor is left.
  static Result<Client> connect(std::uint16_t port);

  /// Waits until the kernel has connected it, which needs nobody to accept it. False: not within
  /// `patience`.
  [[nodiscard]] bool connected(Duration patience) const;
  /// How many of these bytes went out; does not wait. None: the server has closed the connection.
  std::optional<std::size_t> send(std::string_view bytes);
  /// The status of the answer, 0 if the server has closed without one; does not wait. None: it has
  /// not come yet.
  std::optional<int> answer();

 private:
  explicit Client(Fd socket) : socket_(std::move(socket)) {}

  Fd socket_;
  std::string received_;
};

}  // namespace forebay::lab
