#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "channel/layout.h"

/// The control socket between the front and one worker process: a SOCK_SEQPACKET pair, one message
/// a packet, for what shared memory cannot carry (file descriptors) and what is rare.
namespace forebay::channel {

enum class ControlKind : std::uint32_t {
  kReady = 1,     // worker: the application is loaded
  kLog = 2,       // worker: a line for the error log; value = level (10, 20, 30, 40, 50), then text
  kFile = 3,      // worker: the file of the kFile record that follows in its ring (+ fd)
  kWantBody = 4,  // worker: the body of this request, please
  kBody = 5,      // front: here it is (+ fd), or without one: it is gone
};

struct ControlHeader {
  ControlKind kind = ControlKind::kReady;
  std::uint32_t value = 0;
  Ticket ticket;
};

/// A message's text is cut to this.
inline constexpr std::size_t kControlTextMax = 32 * 1024;

struct ControlMessage {
  ControlHeader header;
  std::string_view text;  // in the caller's buffer
  Fd fd;
};

/// Sends one message, with an fd unless it is -1. Blocks if the socket does. Errors as sendmsg(2).
Result<void> send_control(int socket, const ControlHeader& header, std::string_view text = {},
                          int fd = -1);
/// Receives one message into `buffer`. Nothing: none there now (non-blocking sockets only).
/// Errors: the peer is gone, or sent what is no message.
Result<std::optional<ControlMessage>> receive_control(int socket, std::span<char> buffer);

}  // namespace forebay::channel
