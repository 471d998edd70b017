#include "doctor/netlink.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <vector>

namespace forebay::doctor {
namespace {

/// The kernel fills at most 32 KiB of it, and only after it has seen that we take as much.
constexpr std::size_t kDatagramMax = std::size_t{64} * 1024;
constexpr timeval kPatience{.tv_sec = 1, .tv_usec = 0};

std::size_t aligned(std::size_t length) { return (length + 3) & ~std::size_t{3}; }

Bytes after(Bytes bytes, std::size_t length) {
  return bytes.subspan(std::min(length, bytes.size()));
}

}  // namespace

Result<bool> read_messages(Bytes datagram, const std::function<void(Bytes)>& take) {
  while (!datagram.empty()) {
    const auto header = read_start<nlmsghdr>(datagram);
    if (!header || header->nlmsg_len < sizeof(nlmsghdr) || header->nlmsg_len > datagram.size()) {
      return fail("the kernel's answer about sockets makes no sense");
    }
    const Bytes payload = datagram.subspan(sizeof(nlmsghdr), header->nlmsg_len - sizeof(nlmsghdr));
    datagram = after(datagram, aligned(header->nlmsg_len));
    if (header->nlmsg_type == NLMSG_DONE) {
      const int code = read_start<int>(payload).value_or(0);
      return code < 0 ? Result<bool>(fail_errno("list the kernel's sockets", -code)) : true;
    }
    if (header->nlmsg_type == NLMSG_ERROR) {
      const int code = read_start<int>(payload).value_or(-EPROTO);
      return code < 0 ? Result<bool>(fail_errno("ask the kernel for its sockets", -code)) : true;
    }
    if (header->nlmsg_type == SOCK_DIAG_BY_FAMILY) {
      take(payload);
      if ((header->nlmsg_flags & NLM_F_MULTI) == 0) {
        return true;
      }
    }
  }
  return false;
}

void read_attributes(Bytes bytes, const std::function<void(std::uint16_t, Bytes)>& take) {
  for (;;) {
    const auto header = read_start<rtattr>(bytes);
    if (!header || header->rta_len < sizeof(rtattr) || header->rta_len > bytes.size()) {
      return;
    }
    take(header->rta_type, bytes.subspan(sizeof(rtattr), header->rta_len - sizeof(rtattr)));
    bytes = after(bytes, aligned(header->rta_len));
  }
}

Result<SockDiag> SockDiag::open() {
  Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!socket) {
    return fail_errno("open a sock_diag socket");
  }
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof(kPatience));
  return SockDiag(std::move(socket));
}

Result<void> SockDiag::ask(Bytes request, std::uint16_t flags,
                           const std::function<void(Bytes)>& take) {
  nlmsghdr header{};
  header.nlmsg_len = static_cast<std::uint32_t>(sizeof(header) + request.size());
  header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  std::array<iovec, 2> parts{
      {{&header, sizeof(header)}, {const_cast<std::byte*>(request.data()), request.size()}}};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  if (::sendmsg(socket_.get(), &message, 0) < 0) {
    return fail_errno("ask the kernel for its sockets");
  }
  std::vector<std::byte> buffer(kDatagramMax);
  for (;;) {
    const ssize_t bytes = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (bytes < 0 && errno == EINTR) {
      continue;
    }
    if (bytes <= 0) {
      return fail_errno("read the kernel's answer about sockets");
    }
    const auto complete =
        read_messages(std::span(buffer).first(static_cast<std::size_t>(bytes)), take);
    if (!complete) {
      return std::unexpected(complete.error());
    }
    if (*complete) {
      return {};
    }
  }
}

}  // namespace forebay::doctor
