#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "doctor/netlink.h"

namespace forebay::doctor {

enum class Family : std::uint8_t { kUnix, kTcp4, kTcp6 };

/// A listening stream socket and its queue in the kernel, in connections. The queue is full when
/// waiting > limit, so limit + 1 fit (net/unix/af_unix.c, unix_recvq_full; sk_acceptq_is_full).
struct ListeningSocket {
  Family family = Family::kUnix;
  std::uint32_t inode = 0;
  /// "unix:/run/x.sock", "unix:@abstract", "0.0.0.0:80", "[::]:80".
  std::string address;
  std::uint16_t port = 0;        // TCP
  std::uint32_t file_inode = 0;  // unix: of the file that it was bound to
  std::uint32_t waiting = 0;
  std::uint32_t limit = 0;  // what listen() was given, cut to net.core.somaxconn
  /// Unix: of those that wait, how many have left already. None: the kernel cannot say (some
  /// thousands wait).
  std::optional<std::uint32_t> gone;
  /// TCP: connections that this socket has dropped since it listens.
  std::optional<std::uint32_t> drops;
  /// Unix: the sockets of those that wait and are still there.
  std::vector<std::uint32_t> clients;

  std::vector<int> owners;   // processes that have it, by number; empty: nobody that we may see
  std::vector<int> waiters;  // the process of each of `clients` that we may see

  [[nodiscard]] std::uint64_t capacity() const { return std::uint64_t{limit} + 1; }
  [[nodiscard]] bool full() const { return waiting > limit; }
};

/// A connection that was accepted.
struct AcceptedSocket {
  std::uint32_t inode = 0;
  std::string address;     // unix: of the listener it came from
  std::uint16_t port = 0;  // TCP: local
};

/// One message of the kernel. None: not of this kind, or cut.
std::optional<ListeningSocket> parse_unix_listener(Bytes message);
std::optional<ListeningSocket> parse_tcp_listener(Bytes message);

/// What was found, and what could not be read.
template <typename Socket>
struct SocketList {
  std::vector<Socket> sockets;
  std::vector<std::string> unseen;
};

/// All listening sockets of the calling thread's network namespace, unix and TCP. No privilege is
/// needed.
SocketList<ListeningSocket> read_listening_sockets();
/// All established ones that have a name or a port. Cost grows with all sockets there are.
SocketList<AcceptedSocket> read_accepted_sockets();

}  // namespace forebay::doctor
