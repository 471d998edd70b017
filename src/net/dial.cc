#include "net/dial.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace forebay::net {
namespace {

const sockaddr* raw(const Address& address) {
  return reinterpret_cast<const sockaddr*>(&address.storage);
}

DialError::Kind kind_of(int code, bool unix) {
  switch (code) {
    case ECONNREFUSED:
      return DialError::Kind::kRefused;
    case EAGAIN:
      return unix ? DialError::Kind::kBacklogFull : DialError::Kind::kNoLocalPorts;
    case EMFILE:
    case ENFILE:
      return DialError::Kind::kNoDescriptors;
    case EADDRNOTAVAIL:
      return DialError::Kind::kNoLocalPorts;
    default:
      return DialError::Kind::kOther;
  }
}

void set(int socket, int level, int option) {
  const int on = 1;
  ::setsockopt(socket, level, option, &on, sizeof(on));
}

/// TCP does that when nobody listens on a port of this machine and the kernel picks that very port
/// for our end (RFC 9293 section 3.5, simultaneous open).
bool connected_to_itself(int socket) {
  const Address local = local_address(socket);
  if (!local.loopback() || local.unix_socket()) {
    return false;
  }
  const Address peer = peer_address(socket);
  return local.port() == peer.port() && local.text() == peer.text();
}

}  // namespace

std::string DialError::text() const {
  const std::string words = std::strerror(code);
  switch (kind) {
    case Kind::kBacklogFull:
      return "the listen queue of the unix socket is full: its server accepts too slowly";
    case Kind::kNoDescriptors:
      return words + ": raise the limit (ulimit -n), or open fewer connections";
    case Kind::kNoLocalPorts:
      return words +
             ": no local port is free for this address, or the one to connect from is not of this "
             "machine; keep connections alive, add local addresses, or widen "
             "net.ipv4.ip_local_port_range";
    case Kind::kRefused:
    case Kind::kOther:
      return words;
  }
  return words;
}

Dial::Dial(Poller& poller, const Address& to, const Address* from, Done done)
    : poller_(poller), done_(std::move(done)), unix_(to.unix_socket()), code_(start(to, from)) {
  if (!waiting_) {
    poller_.ask(*this);
  }
}

Dial::~Dial() {
  if (waiting_) {
    poller_.remove(socket_.get(), *this);
  }
}

/// 0, or what failed at once. On the way: waiting_.
int Dial::start(const Address& to, const Address* from) {
  socket_.reset(::socket(to.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket_) {
    return errno;
  }
  if (!unix_) {
    set(socket_.get(), IPPROTO_TCP, TCP_NODELAY);
    if (from != nullptr) {
      // The port is chosen by connect(2), which can use one more than once: ip(7).
      set(socket_.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
      if (::bind(socket_.get(), raw(*from), from->length) != 0) {
        return errno;
      }
    }
  }
  if (::connect(socket_.get(), raw(to), to.length) == 0) {
    return 0;
  }
  // Interrupted, it goes on as well.
  return errno == EINPROGRESS || errno == EINTR ? wait_connected() : errno;
}

int Dial::wait_connected() {
  waiting_ = poller_.add(socket_.get(), EPOLLOUT, *this);
  return waiting_ ? 0 : errno;
}

void Dial::ready(std::uint32_t /*events*/) {
  if (waiting_) {
    waiting_ = false;
    poller_.remove(socket_.get(), *this);
    code_ = outcome();
  }
  if (code_ == 0 && connected_to_itself(socket_.get())) {
    code_ = ECONNREFUSED;
  }
  Done done = std::move(done_);  // which may destroy this
  if (code_ != 0) {
    done(std::unexpected(DialError{.kind = kind_of(code_, unix_), .code = code_}));
  } else {
    done(std::move(socket_));
  }
}

int Dial::outcome() const {
  int code = 0;
  socklen_t size = sizeof(code);
  ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &code, &size);
  return code;
}

}  // namespace forebay::net
