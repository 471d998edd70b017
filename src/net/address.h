#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace forebay::net {

/// Where to listen: a TCP address or the path of a unix socket.
struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;

  [[nodiscard]] bool unix_socket() const { return storage.ss_family == AF_UNIX; }
  [[nodiscard]] bool loopback() const;
  /// Host in numbers, "" for a unix socket.
  [[nodiscard]] std::string host() const;
  [[nodiscard]] std::uint16_t port() const;
  /// Path of a unix socket, "" otherwise.
  [[nodiscard]] std::string path() const;
  /// "127.0.0.1:8000", "[::1]:8000", "unix:/run/app.sock".
  [[nodiscard]] std::string text() const;
};

/// Reads `HOST`, `HOST:PORT`, `:PORT`, `[V6]:PORT` or `unix:PATH`; a name is resolved. Without a
/// port: `default_port`. Errors: what is wrong with it and how an address looks.
Result<Address> parse_address(std::string_view text, std::uint16_t default_port);
/// The address of the peer, or of this end, of a socket.
Address peer_address(int socket);
Address local_address(int socket);

}  // namespace forebay::net
