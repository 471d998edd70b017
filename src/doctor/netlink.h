#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <span>

#include "base/fd.h"
#include "base/result.h"

/// The messages of sock_diag(7), read with suspicion: every length is checked before it is used.
namespace forebay::doctor {

using Bytes = std::span<const std::byte>;

/// A copy of the T at the start of `bytes`; nothing if they are too few.
template <typename T>
std::optional<T> read_start(Bytes bytes) {
  if (bytes.size() < sizeof(T)) {
    return std::nullopt;
  }
  T value{};
  std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

/// What stands in one datagram of the kernel. `take` gets the payload of each socket's message.
/// True: the answer is complete. Errors: what the kernel said (ENOENT: it lacks the module), or an
/// answer that is no netlink.
Result<bool> read_messages(Bytes datagram, const std::function<void(Bytes)>& take);

/// Calls `take(type, payload)` for each attribute; stops at the first one that is longer than what
/// is left.
void read_attributes(Bytes bytes, const std::function<void(std::uint16_t, Bytes)>& take);

/// A sock_diag socket. It sees the network namespace in which it was opened. One thread.
class SockDiag {
 public:
  static Result<SockDiag> open();

  /// Sends `request`, one of the structs of linux/{unix,inet}_diag.h, and gives every answer to
  /// `take`. Errors: the kernel refuses or has no such module; it said nothing for a second.
  template <typename Request>
  Result<void> dump(const Request& request, const std::function<void(Bytes)>& take) {
    return ask(std::as_bytes(std::span(&request, 1)), kDump, take);
  }
  /// The same for the one socket that `request` names.
  template <typename Request>
  Result<void> one(const Request& request, const std::function<void(Bytes)>& take) {
    return ask(std::as_bytes(std::span(&request, 1)), 0, take);
  }

 private:
  static constexpr std::uint16_t kDump = 0x300;  // NLM_F_DUMP

  explicit SockDiag(Fd socket) : socket_(std::move(socket)) {}
  Result<void> ask(Bytes request, std::uint16_t flags, const std::function<void(Bytes)>& take);

  Fd socket_;
};

}  // namespace forebay::doctor
