#include "doctor/sockets.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <functional>
#include <string_view>
#include <unordered_map>

#include "base/text.h"

namespace forebay::doctor {
namespace {

constexpr std::uint32_t kEstablished = 1U << 1;
constexpr std::uint32_t kListen = 1U << 10;
constexpr std::uint8_t kListenState = 10;
constexpr std::uint32_t kNoCookie = 0xffffffff;

std::string unix_address(Bytes name) {
  std::string_view text(reinterpret_cast<const char*>(name.data()), name.size());
  if (text.empty()) {
    return "unix:*";
  }
  if (text.front() != '\0') {
    return std::string("unix:").append(text.substr(0, text.find('\0')));
  }
  std::string abstract(text);
  std::ranges::replace(abstract, '\0', '@');
  return "unix:" + abstract;
}

std::string tcp_address(const inet_diag_msg& message) {
  std::array<char, INET6_ADDRSTRLEN> host{};
  ::inet_ntop(message.idiag_family, &message.id.idiag_src, host.data(), host.size());
  const bool v6 = message.idiag_family == AF_INET6;
  return format("{}{}{}:{}", v6 ? "[" : "", host.data(), v6 ? "]" : "",
                ntohs(message.id.idiag_sport));
}

/// UNIX_DIAG_ICONS: the inodes of those that wait, 0 where nobody is left.
void read_waiting(Bytes inodes, ListeningSocket& socket) {
  socket.gone = 0;
  for (; inodes.size() >= sizeof(std::uint32_t); inodes = inodes.subspan(sizeof(std::uint32_t))) {
    if (const std::uint32_t inode = *read_start<std::uint32_t>(inodes); inode != 0) {
      socket.clients.push_back(inode);
    } else {
      ++*socket.gone;
    }
  }
}

unix_diag_req unix_request(std::uint32_t states, std::uint32_t show) {
  unix_diag_req request{};
  request.sdiag_family = AF_UNIX;
  request.udiag_states = states;
  request.udiag_show = show;
  request.udiag_cookie[0] = request.udiag_cookie[1] = kNoCookie;
  return request;
}

inet_diag_req_v2 tcp_request(int family, std::uint32_t states) {
  inet_diag_req_v2 request{};
  request.sdiag_family = static_cast<std::uint8_t>(family);
  request.sdiag_protocol = IPPROTO_TCP;
  request.idiag_states = states;
  return request;
}

/// Who waits is asked for separately: a queue of thousands does not fit into an answer, and then
/// the kernel ends the list there without a word. What the list lacks is asked for one by one,
/// where up to about 1000 fit.
void read_waiting(SockDiag& kernel, std::vector<ListeningSocket>& sockets) {
  std::unordered_map<std::uint32_t, ListeningSocket*> unknown;
  for (ListeningSocket& socket : sockets) {
    if (socket.waiting > 0) {
      unknown.emplace(socket.inode, &socket);
    }
  }
  const auto take = [&unknown](Bytes message) {
    auto found = parse_unix_listener(message);
    const auto place = found && found->gone ? unknown.find(found->inode) : unknown.end();
    if (place != unknown.end()) {
      place->second->waiting = found->waiting;
      place->second->gone = found->gone;
      place->second->clients = std::move(found->clients);
      unknown.erase(place);
    }
  };
  unix_diag_req request = unix_request(kListen, UDIAG_SHOW_RQLEN | UDIAG_SHOW_ICONS);
  if (!unknown.empty()) {
    (void)kernel.dump(request, take);
  }
  for (const ListeningSocket& socket : sockets) {
    if (unknown.contains(socket.inode)) {
      request.udiag_ino = socket.inode;
      (void)kernel.one(request, take);
    }
  }
}

Result<void> read_unix(std::vector<ListeningSocket>& sockets) {
  auto kernel = SockDiag::open();
  if (!kernel) {
    return std::unexpected(kernel.error());
  }
  const unix_diag_req request =
      unix_request(kListen, UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | UDIAG_SHOW_RQLEN);
  auto done = kernel->dump(request, [&sockets](Bytes message) {
    if (auto socket = parse_unix_listener(message)) {
      sockets.push_back(std::move(*socket));
    }
  });
  read_waiting(*kernel, sockets);
  return done;
}

Result<void> read_tcp(int family, std::vector<ListeningSocket>& sockets) {
  auto kernel = SockDiag::open();
  if (!kernel) {
    return std::unexpected(kernel.error());
  }
  inet_diag_req_v2 request = tcp_request(family, kListen);
  request.idiag_ext = 1U << (INET_DIAG_SKMEMINFO - 1);
  return kernel->dump(request, [&sockets](Bytes message) {
    if (auto socket = parse_tcp_listener(message)) {
      sockets.push_back(std::move(*socket));
    }
  });
}

Result<void> read_accepted_unix(std::vector<AcceptedSocket>& sockets) {
  auto kernel = SockDiag::open();
  if (!kernel) {
    return std::unexpected(kernel.error());
  }
  return kernel->dump(unix_request(kEstablished, UDIAG_SHOW_NAME), [&sockets](Bytes bytes) {
    const auto message = read_start<unix_diag_msg>(bytes);
    if (!message) {
      return;
    }
    read_attributes(bytes.subspan(sizeof(*message)), [&](std::uint16_t type, Bytes value) {
      if (type == UNIX_DIAG_NAME) {
        sockets.push_back({message->udiag_ino, unix_address(value), 0});
      }
    });
  });
}

Result<void> read_accepted_tcp(int family, std::vector<AcceptedSocket>& sockets) {
  auto kernel = SockDiag::open();
  if (!kernel) {
    return std::unexpected(kernel.error());
  }
  return kernel->dump(tcp_request(family, kEstablished), [&sockets](Bytes bytes) {
    if (const auto message = read_start<inet_diag_msg>(bytes)) {
      sockets.push_back({message->idiag_inode, "", ntohs(message->id.idiag_sport)});
    }
  });
}

template <typename Socket>
void note(std::string_view kind, const Result<void>& done, SocketList<Socket>& list) {
  if (!done) {
    list.unseen.push_back(format("{} sockets: {}", kind, done.error().message));
  }
}

}  // namespace

std::optional<ListeningSocket> parse_unix_listener(Bytes message) {
  const auto fixed = read_start<unix_diag_msg>(message);
  if (!fixed || fixed->udiag_family != AF_UNIX || fixed->udiag_state != kListenState) {
    return std::nullopt;
  }
  ListeningSocket socket;
  socket.inode = fixed->udiag_ino;
  socket.address = unix_address({});
  bool lengths_known = false;
  read_attributes(message.subspan(sizeof(*fixed)), [&](std::uint16_t type, Bytes value) {
    if (type == UNIX_DIAG_NAME) {
      socket.address = unix_address(value);
    } else if (type == UNIX_DIAG_ICONS) {
      read_waiting(value, socket);
    } else if (const auto file = read_start<unix_diag_vfs>(value); type == UNIX_DIAG_VFS && file) {
      socket.file_inode = file->udiag_vfs_ino;
    } else if (const auto lengths = read_start<unix_diag_rqlen>(value);
               type == UNIX_DIAG_RQLEN && lengths) {
      socket.waiting = lengths->udiag_rqueue;
      socket.limit = lengths->udiag_wqueue;
      lengths_known = true;
    }
  });
  return lengths_known ? std::optional(std::move(socket)) : std::nullopt;
}

std::optional<ListeningSocket> parse_tcp_listener(Bytes message) {
  const auto fixed = read_start<inet_diag_msg>(message);
  if (!fixed || (fixed->idiag_family != AF_INET && fixed->idiag_family != AF_INET6) ||
      fixed->idiag_state != kListenState) {
    return std::nullopt;
  }
  ListeningSocket socket;
  socket.family = fixed->idiag_family == AF_INET ? Family::kTcp4 : Family::kTcp6;
  socket.inode = fixed->idiag_inode;
  socket.address = tcp_address(*fixed);
  socket.port = ntohs(fixed->id.idiag_sport);
  socket.waiting = fixed->idiag_rqueue;
  socket.limit = fixed->idiag_wqueue;
  read_attributes(message.subspan(sizeof(*fixed)), [&](std::uint16_t type, Bytes value) {
    constexpr std::size_t kDrops = sizeof(std::uint32_t) * SK_MEMINFO_DROPS;
    if (type == INET_DIAG_SKMEMINFO && value.size() > kDrops) {
      socket.drops = read_start<std::uint32_t>(value.subspan(kDrops));
    }
  });
  return socket;
}

SocketList<ListeningSocket> read_listening_sockets() {
  SocketList<ListeningSocket> list;
  note("unix", read_unix(list.sockets), list);
  note("IPv4", read_tcp(AF_INET, list.sockets), list);
  note("IPv6", read_tcp(AF_INET6, list.sockets), list);
  return list;
}

SocketList<AcceptedSocket> read_accepted_sockets() {
  SocketList<AcceptedSocket> list;
  note("unix", read_accepted_unix(list.sockets), list);
  note("IPv4", read_accepted_tcp(AF_INET, list.sockets), list);
  note("IPv6", read_accepted_tcp(AF_INET6, list.sockets), list);
  return list;
}

}  // namespace forebay::doctor
