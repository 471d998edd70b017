#include "channel/control.h"

#include <sys/socket.h>

#include <array>
#include <cstring>

namespace forebay::channel {
namespace {

/// Keeps the first file of a message. The padding of our buffer has room for a second one: it is
/// open already, so it is closed.
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

Result<void> send_control(int socket, const ControlHeader& header, std::string_view text, int fd) {
  text = text.substr(0, kControlTextMax);
  ControlHeader copy = header;
  std::array<iovec, 2> parts{{{&copy, sizeof(copy)},
                              {const_cast<char*>(text.data()), text.size()}}};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  if (fd >= 0) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(rights), &fd, sizeof(int));
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

Result<std::optional<ControlMessage>> receive_control(int socket, std::span<char> buffer) {
  ControlMessage result;
  std::array<iovec, 2> parts{{{&result.header, sizeof(result.header)},
                              {buffer.data(), buffer.size()}}};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t received = 0;
  do {
    received = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (received < 0 && errno == EINTR);
  if (received < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
    return std::nullopt;
  }
  if (received < 0) {
    return fail_errno("receive a control message");
  }
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS) {
      take_first_fd(*part, result.fd);
    }
  }
  if (static_cast<std::size_t>(received) < sizeof(ControlHeader)) {
    return fail(received == 0 ? "the control socket's peer is gone" : "not a control message");
  }
  result.text = {buffer.data(), static_cast<std::size_t>(received) - sizeof(ControlHeader)};
  return result;
}

}  // namespace forebay::channel
