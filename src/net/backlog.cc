#include "net/backlog.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <array>
#include <cstring>

#include "base/fd.h"

namespace forebay::net {
namespace {

Result<Backlog> read_tcp(int socket) {
  tcp_info info{};
  socklen_t length = sizeof(info);
  if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) {
    return fail_errno("read a listener's backlog by TCP_INFO");
  }
  return Backlog{info.tcpi_unacked, info.tcpi_sacked};
}

Result<Backlog> parse_unix_answer(char* data, std::size_t bytes) {
  auto* header = reinterpret_cast<nlmsghdr*>(data);
  if (!NLMSG_OK(header, bytes) || header->nlmsg_type != SOCK_DIAG_BY_FAMILY) {
    return fail("cannot read a unix listener's backlog: the kernel has no unix_diag");
  }
  auto* message = static_cast<unix_diag_msg*>(NLMSG_DATA(header));
  auto left = static_cast<int>(header->nlmsg_len - NLMSG_LENGTH(sizeof(*message)));
  for (auto* attribute = reinterpret_cast<rtattr*>(message + 1); RTA_OK(attribute, left);
       attribute = RTA_NEXT(attribute, left)) {
    if (attribute->rta_type == UNIX_DIAG_RQLEN) {
      unix_diag_rqlen lengths{};
      std::memcpy(&lengths, RTA_DATA(attribute), sizeof(lengths));
      return Backlog{lengths.udiag_rqueue, lengths.udiag_wqueue};
    }
  }
  return fail("cannot read a unix listener's backlog: no queue length in the kernel's answer");
}

Result<Backlog> read_unix(int socket) {
  struct stat info{};
  if (::fstat(socket, &info) != 0) {
    return fail_errno("stat a listening socket");
  }
  const Fd netlink(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!netlink) {
    return fail_errno("open a sock_diag socket");
  }
  struct {
    nlmsghdr header;
    unix_diag_req request;
  } question{};
  question.header.nlmsg_len = sizeof(question);
  question.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  question.header.nlmsg_flags = NLM_F_REQUEST;
  question.request.sdiag_family = AF_UNIX;
  question.request.udiag_states = 1U << 10;  // LISTEN
  question.request.udiag_ino = static_cast<std::uint32_t>(info.st_ino);
  question.request.udiag_show = UDIAG_SHOW_RQLEN;
  question.request.udiag_cookie[0] = question.request.udiag_cookie[1] = 0xffffffff;
  if (::send(netlink.get(), &question, sizeof(question), 0) < 0) {
    return fail_errno("ask sock_diag for a unix socket");
  }
  alignas(nlmsghdr) std::array<char, 4096> answer{};
  const ssize_t bytes = ::recv(netlink.get(), answer.data(), answer.size(), 0);
  if (bytes < 0) {
    return fail_errno("read the answer of sock_diag");
  }
  return parse_unix_answer(answer.data(), static_cast<std::size_t>(bytes));
}

}  // namespace

Result<Backlog> read_backlog(int listening_socket) {
  int domain = 0;
  socklen_t length = sizeof(domain);
  if (::getsockopt(listening_socket, SOL_SOCKET, SO_DOMAIN, &domain, &length) != 0) {
    return fail_errno("read a listener's family");
  }
  return domain == AF_UNIX ? read_unix(listening_socket) : read_tcp(listening_socket);
}

}  // namespace forebay::net
