#include "net/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>

#include "base/text.h"

namespace forebay::net {
namespace {

constexpr std::string_view kUnix = "unix:";
constexpr std::string_view kForms = "use HOST, HOST:PORT, [IPv6]:PORT or unix:PATH";

Result<Address> unix_address(std::string_view path) {
  Address address;
  auto& un = reinterpret_cast<sockaddr_un&>(address.storage);
  if (path.empty() || path.size() >= sizeof(un.sun_path)) {
    return fail(format("the path of a unix socket has 1 to {} bytes, '{}' has {}",
                       sizeof(un.sun_path) - 1, path, path.size()));
  }
  un.sun_family = AF_UNIX;
  std::memcpy(un.sun_path, path.data(), path.size());
  address.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return address;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return port;
}

/// Splits "HOST:PORT" at the colon that belongs to the port.
std::pair<std::string_view, std::optional<std::string_view>> split_port(std::string_view text) {
  const std::size_t bracket = text.rfind(']');
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket)) {
    return {text, std::nullopt};
  }
  return {text.substr(0, colon), text.substr(colon + 1)};
}

template <typename Get>
Address address_of(int socket, Get get) {
  Address address;
  address.length = sizeof(address.storage);
  if (get(socket, reinterpret_cast<sockaddr*>(&address.storage), &address.length) != 0) {
    address.length = 0;
  }
  return address;
}

}  // namespace

bool Address::loopback() const {
  if (storage.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(storage);
    return (ntohl(in.sin_addr.s_addr) >> 24) == 127;
  }
  if (storage.ss_family == AF_INET6) {
    return IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr) != 0;
  }
  return unix_socket();
}

std::string Address::host() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (storage.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(storage);
    return ::inet_ntop(AF_INET, &in.sin_addr, text.data(), text.size());
  }
  if (storage.ss_family == AF_INET6) {
    const auto& in6 = reinterpret_cast<const sockaddr_in6&>(storage);
    if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr) != 0) {
      return ::inet_ntop(AF_INET, &in6.sin6_addr.s6_addr[12], text.data(), text.size());
    }
    return ::inet_ntop(AF_INET6, &in6.sin6_addr, text.data(), text.size());
  }
  return "";
}

std::uint16_t Address::port() const {
  if (storage.ss_family == AF_INET) {
    return ntohs(reinterpret_cast<const sockaddr_in&>(storage).sin_port);
  }
  if (storage.ss_family == AF_INET6) {
    return ntohs(reinterpret_cast<const sockaddr_in6&>(storage).sin6_port);
  }
  return 0;
}

std::string Address::path() const {
  if (!unix_socket() || length <= offsetof(sockaddr_un, sun_path)) {
    return "";
  }
  return reinterpret_cast<const sockaddr_un&>(storage).sun_path;
}

std::string Address::text() const {
  if (unix_socket()) {
    return format("{}{}", kUnix, path());
  }
  const std::string numbers = host();
  const bool v6 = numbers.find(':') != std::string::npos;
  return v6 ? format("[{}]:{}", numbers, port()) : format("{}:{}", numbers, port());
}

Result<Address> parse_address(std::string_view text, std::uint16_t default_port) {
  if (text.starts_with(kUnix)) {
    return unix_address(text.substr(kUnix.size()));
  }
  if (text.find('/') != std::string_view::npos) {
    return fail(format("'{0}' is a path: write unix:{0} for a unix socket", text));
  }
  auto [host, port_text] = split_port(text);
  std::uint16_t port = default_port;
  if (port_text) {
    const std::optional<std::uint16_t> parsed = parse_port(*port_text);
    if (!parsed) {
      return fail(format("'{}' has no valid port (0 to 65535): {}", text, kForms));
    }
    port = *parsed;
  }
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  }
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_family = host.empty() ? AF_INET : AF_UNSPEC;
  addrinfo* found = nullptr;
  const std::string name(host);
  const int status = ::getaddrinfo(name.empty() ? nullptr : name.c_str(),
                                   std::to_string(port).c_str(), &hints, &found);
  if (status != 0) {
    return fail(format("cannot resolve '{}': {}; {}", text, ::gai_strerror(status), kForms));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  Address address;
  std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
  address.length = found->ai_addrlen;
  return address;
}

Address peer_address(int socket) { return address_of(socket, ::getpeername); }
Address local_address(int socket) { return address_of(socket, ::getsockname); }

}  // namespace forebay::net
