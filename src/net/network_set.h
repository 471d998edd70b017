#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace forebay::net {

/// An IP address in numbers; IPv4 as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2).
using IpBytes = std::array<std::uint8_t, 16>;
/// Nothing: it is no address in numbers.
[[nodiscard]] std::optional<IpBytes> parse_ip(std::string_view text);

/// A set of IP addresses, made of networks.
class NetworkSet {
 public:
  /// "127.0.0.1,::1,10.0.0.0/8"; "*" is all, "" none. Errors: which part is no address.
  static Result<NetworkSet> parse(std::string_view text);

  [[nodiscard]] bool contains(const IpBytes& address) const;
  /// False for a text that is no address, unless the set has everything.
  [[nodiscard]] bool contains(std::string_view address) const;

 private:
  struct Network {
    IpBytes address{};
    unsigned bits = 0;  // that count, 0 to 128
  };
  static std::optional<Network> parse_network(std::string_view text);

  std::vector<Network> networks_;
  bool all_ = false;
};

}  // namespace forebay::net
