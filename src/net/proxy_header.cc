#include "net/proxy_header.h"

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <cstring>
#include <optional>

#include "net/address.h"

namespace forebay::net {
namespace {

using State = ProxyHeader::State;
using namespace std::string_view_literals;

constexpr std::string_view kVersion1 = "PROXY ";
constexpr std::size_t kVersion1Max = 107;
constexpr std::string_view kVersion2 = "\r\n\r\n\0\r\nQUIT\n"sv;
/// Signature, version and command, family and protocol, length of the rest.
constexpr std::size_t kVersion2Head = 16;

ProxyHeader in_state(State state, std::size_t bytes = 0) {
  ProxyHeader header;
  header.state = state;
  header.bytes = bytes;
  return header;
}
ProxyHeader invalid() { return in_state(State::kInvalid); }
ProxyHeader incomplete() { return in_state(State::kIncomplete); }
/// Complete, without a word about the client: a health check of the proxy's own, or no IP.
ProxyHeader silent(std::size_t bytes) { return in_state(State::kComplete, bytes); }

ProxyHeader from(const Address& client, std::size_t bytes) {
  return {.state = State::kComplete, .bytes = bytes, .host = client.host(), .port = client.port()};
}

// Version 1: "PROXY TCP4 192.0.2.7 192.0.2.1 56324 443\r\n".

/// The next word; moves `line` behind it and its one space.
std::string_view take_word(std::string_view& line) {
  const std::size_t space = line.find(' ');
  const std::string_view word = line.substr(0, space);
  line.remove_prefix(space == std::string_view::npos ? line.size() : space + 1);
  return word;
}

std::optional<std::uint16_t> parse_port(std::string_view digits) {
  const char* end = digits.data() + digits.size();
  std::uint16_t port = 0;
  const auto [rest, error] = std::from_chars(digits.data(), end, port);
  const bool padded = digits.size() > 1 && digits[0] == '0';
  return error == std::errc() && rest == end && !padded ? std::optional(port) : std::nullopt;
}

std::optional<Address> parse_numbers(int family, std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> zero_ended{};
  if (text.size() >= zero_ended.size() || text.contains('\0')) {
    return std::nullopt;
  }
  text.copy(zero_ended.data(), text.size());
  Address address;
  address.storage.ss_family = static_cast<sa_family_t>(family);
  void* numbers =
      family == AF_INET
          ? static_cast<void*>(&reinterpret_cast<sockaddr_in&>(address.storage).sin_addr)
          : &reinterpret_cast<sockaddr_in6&>(address.storage).sin6_addr;
  return ::inet_pton(family, zero_ended.data(), numbers) == 1 ? std::optional(address)
                                                              : std::nullopt;
}

void set_port(Address& address, std::uint16_t port) {
  // At the same place in both families.
  reinterpret_cast<sockaddr_in&>(address.storage).sin_port = htons(port);
}

ProxyHeader read_version1(std::string_view bytes) {
  const std::size_t end = bytes.substr(0, kVersion1Max).find("\r\n");
  if (end == std::string_view::npos) {
    return bytes.size() < kVersion1Max ? incomplete() : invalid();
  }
  const std::size_t taken = end + 2;
  std::string_view line = bytes.substr(kVersion1.size(), end - kVersion1.size());
  const std::string_view protocol = take_word(line);
  if (protocol == "UNKNOWN") {
    return silent(taken);  // whatever follows
  }
  if (protocol != "TCP4" && protocol != "TCP6") {
    return invalid();
  }
  const int family = protocol == "TCP4" ? AF_INET : AF_INET6;
  std::optional<Address> client = parse_numbers(family, take_word(line));
  const std::optional<Address> ours = parse_numbers(family, take_word(line));
  const std::optional<std::uint16_t> client_port = parse_port(take_word(line));
  const std::optional<std::uint16_t> our_port = parse_port(line);
  if (!client || !ours || !client_port || !our_port) {
    return invalid();
  }
  set_port(*client, *client_port);
  return from(*client, taken);
}

// Version 2: binary, in network byte order.

constexpr unsigned kLocal = 0x20;  // version in the high half, command in the low one
constexpr unsigned kProxied = 0x21;
constexpr unsigned kUnspecified = 0x00;  // family in the high half, protocol in the low one
constexpr unsigned kTcp4 = 0x11;
constexpr unsigned kTcp6 = 0x21;
constexpr unsigned kUnixStream = 0x31;

template <typename T>
T load(std::string_view bytes, std::size_t at) {
  T value{};
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

/// Two addresses, then two ports; the client's come first. Empty: shorter than that.
template <typename Numbers>
std::optional<Address> client_of(int family, std::string_view rest) {
  if (rest.size() < 2 * (sizeof(Numbers) + sizeof(std::uint16_t))) {
    return std::nullopt;
  }
  Address client;
  client.storage.ss_family = static_cast<sa_family_t>(family);
  const auto numbers = load<Numbers>(rest, 0);
  if constexpr (sizeof(Numbers) == sizeof(in_addr)) {
    reinterpret_cast<sockaddr_in&>(client.storage).sin_addr = numbers;
  } else {
    reinterpret_cast<sockaddr_in6&>(client.storage).sin6_addr = numbers;
  }
  set_port(client, ntohs(load<std::uint16_t>(rest, 2 * sizeof(Numbers))));
  return client;
}

ProxyHeader read_version2(std::string_view bytes) {
  if (bytes.size() < kVersion2Head) {
    return incomplete();
  }
  const auto command = load<std::uint8_t>(bytes, kVersion2.size());
  const auto family = load<std::uint8_t>(bytes, kVersion2.size() + 1);
  const std::size_t taken = kVersion2Head + ntohs(load<std::uint16_t>(bytes, kVersion2Head - 2));
  if ((command != kLocal && command != kProxied) || taken > kProxyHeaderMax) {
    return invalid();
  }
  if (bytes.size() < taken) {
    return incomplete();
  }
  if (command == kLocal || family == kUnspecified || family == kUnixStream) {
    return silent(taken);
  }
  const std::string_view rest = bytes.substr(kVersion2Head, taken - kVersion2Head);
  const std::optional<Address> client = family == kTcp4   ? client_of<in_addr>(AF_INET, rest)
                                        : family == kTcp6 ? client_of<in6_addr>(AF_INET6, rest)
                                                          : std::nullopt;
  return client ? from(*client, taken) : invalid();
}

/// So far they may be the same.
bool begins_like(std::string_view bytes, std::string_view signature) {
  return bytes.starts_with(signature.substr(0, bytes.size()));
}

}  // namespace

ProxyHeader read_proxy_header(std::string_view bytes) {
  if (bytes.starts_with(kVersion1)) {
    return read_version1(bytes);
  }
  if (bytes.starts_with(kVersion2)) {
    return read_version2(bytes);
  }
  return begins_like(bytes, kVersion1) || begins_like(bytes, kVersion2) ? incomplete() : invalid();
}

}  // namespace forebay::net
