#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace forebay::net {

/// More than any header of the PROXY protocol takes that says what we want to know: version 1 has
/// 107 bytes at most; of version 2 the extensions (TLVs) count, which are passed over.
inline constexpr std::size_t kProxyHeaderMax = 1024;

/// What a proxy says first on a connection, before the client's own bytes: the PROXY protocol,
/// versions 1 and 2 (https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt).
struct ProxyHeader {
  enum class State : std::uint8_t {
    kIncomplete,  // it can still become one
    kComplete,
    kInvalid,
  };
  State state = State::kInvalid;
  std::size_t bytes = 0;   // that it takes, once complete
  std::string host;        // the client's, as Address::host() says it; empty: not said
  std::uint16_t port = 0;  // the client's
};

/// Reads it from the first bytes of a connection, however few have come.
[[nodiscard]] ProxyHeader read_proxy_header(std::string_view bytes);

}  // namespace forebay::net
