#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <optional>
#include <span>

#include "base/fd.h"
#include "base/result.h"

/// Packets with a descriptor beside them, over SOCK_SEQPACKET sockets, see unix(7).
namespace forebay {

/// Sends the parts as one packet, with `fd` unless it is -1. Errors as sendmsg(2).
Result<void> send_packet(int socket, std::span<const iovec> parts, int fd = -1);

struct Packet {
  std::size_t bytes = 0;  // 0: the peer is gone
  Fd fd;
};
/// Receives one packet into the parts; what does not fit is cut. Nothing: none there now
/// (non-blocking sockets only). Errors as recvmsg(2).
Result<std::optional<Packet>> receive_packet(int socket, std::span<const iovec> parts);

}  // namespace forebay
