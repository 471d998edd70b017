#include "net/network_set.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string>

#include "base/text.h"

namespace forebay::net {
namespace {

constexpr unsigned kBits = 128;
constexpr unsigned kBitsBeforeV4 = 96;

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(' ');
  return first == std::string_view::npos
             ? ""
             : text.substr(first, text.find_last_not_of(' ') + 1 - first);
}

}  // namespace

std::optional<IpBytes> parse_ip(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  if (text.size() >= buffer.size()) {
    return std::nullopt;
  }
  std::ranges::copy(text, buffer.begin());
  IpBytes bytes{};
  if (::inet_pton(AF_INET6, buffer.data(), bytes.data()) == 1) {
    return bytes;
  }
  bytes[10] = bytes[11] = 0xff;
  if (::inet_pton(AF_INET, buffer.data(), bytes.data() + 12) == 1) {
    return bytes;
  }
  return std::nullopt;
}

std::optional<NetworkSet::Network> NetworkSet::parse_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::optional<IpBytes> address = parse_ip(text.substr(0, slash));
  if (!address) {
    return std::nullopt;
  }
  if (slash == std::string_view::npos) {
    return Network{*address, kBits};
  }
  const unsigned before = text.find(':') == std::string_view::npos ? kBitsBeforeV4 : 0;
  const std::string_view digits = text.substr(slash + 1);
  const char* end = digits.data() + digits.size();
  unsigned bits = 0;
  const auto [rest, error] = std::from_chars(digits.data(), end, bits);
  if (error != std::errc() || rest != end || bits > kBits - before) {
    return std::nullopt;
  }
  return Network{*address, before + bits};
}

Result<NetworkSet> NetworkSet::parse(std::string_view text) {
  NetworkSet set;
  for (std::string_view left = text; !left.empty();) {
    const std::size_t comma = left.find(',');
    const std::string_view part = trim(left.substr(0, comma));
    left = comma == std::string_view::npos ? "" : left.substr(comma + 1);
    if (part == "*") {
      set.all_ = true;
    } else if (const auto network = parse_network(part)) {
      set.networks_.push_back(*network);
    } else if (!part.empty()) {
      return fail(
          format("'{}' is no address: write addresses and networks, such as "
                 "127.0.0.1,::1,10.0.0.0/8, or * for all",
                 part));
    }
  }
  return set;
}

bool NetworkSet::contains(const IpBytes& address) const {
  const auto matches = [&address](const Network& network) {
    const std::size_t whole = network.bits / 8;
    if (std::memcmp(network.address.data(), address.data(), whole) != 0) {
      return false;
    }
    const unsigned rest = network.bits % 8;
    return rest == 0 || (network.address[whole] ^ address[whole]) >> (8 - rest) == 0;
  };
  return all_ || std::ranges::any_of(networks_, matches);
}

bool NetworkSet::contains(std::string_view address) const {
  if (all_) {
    return true;
  }
  const std::optional<IpBytes> bytes = parse_ip(address);
  return bytes && contains(*bytes);
}

}  // namespace forebay::net
