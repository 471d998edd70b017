#include "base/packet.h"

#include <sys/socket.h>

#include <array>
#include <cstring>

namespace forebay {
namespace {

/// Room for one descriptor beside a packet.
struct Rights {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> bytes{};

  void attach_to(msghdr& message) {
    message.msg_control = bytes.data();
    message.msg_controllen = bytes.size();
  }
};

msghdr message_of(std::span<const iovec> parts) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts.data());
  message.msg_iovlen = parts.size();
  return message;
}

/// Keeps the first descriptor of a packet. The padding of our buffer has room for a second one: it
/// is open already, so it is closed.
void take_first_fd(cmsghdr& rights, Fd& first) {
  const std::size_t count = (rights.cmsg_len - CMSG_LEN(0)) / sizeof(int);
  for (std::size_t i = 0; i < count; ++i) {
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(&rights) + i * sizeof(int), sizeof(int));
    Fd next(fd);
    if (!first) {
      first = std::move(next);
    }
  }
}

}  // namespace

Result<void> send_packet(int socket, std::span<const iovec> parts, int fd) {
  msghdr message = message_of(parts);
  Rights rights;
  if (fd >= 0) {
    rights.attach_to(message);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &fd, sizeof(int));
  }
  ssize_t sent = 0;
  do {
    sent = ::sendmsg(socket, &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) {
    return fail_errno("send a control message");
  }
  return {};
}

Result<std::optional<Packet>> receive_packet(int socket, std::span<const iovec> parts) {
  msghdr message = message_of(parts);
  Rights rights;
  rights.attach_to(message);
  ssize_t received = 0;
  do {
    received = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    // A peer that died without reading all that we sent resets the connection, and this is told
    // once, before the packets that it sent itself.
  } while (received < 0 && (errno == EINTR || errno == ECONNRESET));
  if (received < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
    return std::nullopt;
  }
  if (received < 0) {
    return fail_errno("receive a control message");
  }
  Packet packet;
  packet.bytes = static_cast<std::size_t>(received);
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS) {
      take_first_fd(*part, packet.fd);
    }
  }
  return packet;
}

}  // namespace forebay
