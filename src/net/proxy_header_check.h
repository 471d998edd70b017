#pragma once

#include <string_view>

#include "base/check.h"
#include "net/network_set.h"
#include "net/proxy_header.h"

/// For the fuzz target and the replay of its corpus.
namespace forebay::net {

/// Any bytes, as they come: a header is incomplete up to its last byte, then complete whatever
/// follows; what is invalid stays so. Returns what it is in the end.
inline ProxyHeader check_proxy_header(std::string_view bytes) {
  using State = ProxyHeader::State;
  const ProxyHeader whole = read_proxy_header(bytes);
  bool refused = false;
  for (std::size_t length = 0; length <= bytes.size(); ++length) {
    const ProxyHeader part = read_proxy_header(bytes.substr(0, length));
    refused = refused || part.state == State::kInvalid;
    CHECK(refused == (part.state == State::kInvalid));
    CHECK((part.state == State::kComplete) ==
          (whole.state == State::kComplete && length >= whole.bytes));
    CHECK(part.state != State::kIncomplete || length < kProxyHeaderMax);
  }
  CHECK(refused == (whole.state == State::kInvalid));
  CHECK(whole.bytes <= kProxyHeaderMax);
  CHECK(whole.host.empty() || parse_ip(whole.host));
  return whole;
}

}  // namespace forebay::net
