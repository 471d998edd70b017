#include "net/listener.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "base/text.h"
#include "net/timer.h"
#include "net/watch.h"

namespace forebay::net {
namespace {

/// Connections accepted before others get their turn.
constexpr int kAcceptsPerTurn = 64;
constexpr std::chrono::milliseconds kRetryAccept{100};

const sockaddr* raw(const Address& address) {
  return reinterpret_cast<const sockaddr*>(&address.storage);
}

std::string advice(const Address& address, int code) {
  if (code == EADDRINUSE) {
    return format("another program listens at {}: stop it, or choose another address",
                  address.text());
  }
  if (code == EACCES && address.unix_socket()) {
    return "this user may not create a socket there: check the directory's permissions";
  }
  if (code == EACCES) {
    return "ports below 1024 need root or CAP_NET_BIND_SERVICE: use a port from 1024 on";
  }
  if (code == EADDRNOTAVAIL) {
    return "this machine has no such address: use 0.0.0.0 or [::] for all of them";
  }
  return "choose another address";
}

/// Its connections inherit it.
void send_at_once(int listening) {
  const int on = 1;
  ::setsockopt(listening, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/// Removes the file of a unix socket that nobody listens at.
void remove_stale(const Address& address) {
  struct stat info{};
  const std::string path = address.path();
  if (::stat(path.c_str(), &info) != 0 || !S_ISSOCK(info.st_mode)) {
    return;
  }
  const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (::connect(probe.get(), raw(address), address.length) != 0 && errno == ECONNREFUSED) {
    ::unlink(path.c_str());
  }
}

}  // namespace

struct Listener::Acceptor {
  Acceptor(Loop& on, int listening) : loop(on), fd(listening), retry(on) {}

  Loop& loop;
  int fd;
  std::optional<Watch> watch;
  Timer retry;
  std::function<void(Fd)> accepted;
  std::function<void(int)> failed;

  /// Returns false when accepting has to pause.
  bool accept_some(int limit) {
    for (int i = 0; i < limit; ++i) {
      Fd socket(::accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (socket) {
        accepted(std::move(socket));
      } else if (errno == EAGAIN) {
        return true;
      } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        failed(errno);
        return false;
      }
    }
    return true;
  }

  void wait() {
    watch.emplace(loop, fd, [this] {
      if (!accept_some(kAcceptsPerTurn)) {
        watch.reset();
        retry.after(kRetryAccept, [this] { wait(); });
      }
    });
  }
};

Listener::Listener(Fd socket, Address address, bool owns_path)
    : socket_(std::move(socket)), address_(address), owns_path_(owns_path) {}

Listener::Listener(Listener&&) noexcept = default;

Listener::~Listener() {
  if (socket_ && owns_path_) {
    ::unlink(address_.path().c_str());
  }
}

Result<Listener> Listener::open(const Address& address, int backlog) {
  const auto failed = [&address](int code) {
    return fail(format("cannot listen at {}: {}; {}", address.text(), std::strerror(code),
                       advice(address, code)));
  };
  Fd socket(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) {
    return failed(errno);
  }
  if (address.unix_socket()) {
    remove_stale(address);
  } else {
    const int on = 1;
    ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    send_at_once(socket.get());
  }
  if (::bind(socket.get(), raw(address), address.length) != 0 ||
      ::listen(socket.get(), backlog) != 0) {
    return failed(errno);
  }
  const Address bound = address.unix_socket() ? address : local_address(socket.get());
  return Listener(std::move(socket), bound, address.unix_socket());
}

Result<Listener> Listener::adopt(Fd socket, int backlog) {
  int type = 0;
  socklen_t length = sizeof(type);
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_TYPE, &type, &length) != 0) {
    return fail_errno(format("listen at descriptor {}", socket.get()));
  }
  const Address address = local_address(socket.get());
  const int family = address.storage.ss_family;
  if (type != SOCK_STREAM || (family != AF_INET && family != AF_INET6 && family != AF_UNIX)) {
    return fail(format("cannot listen at descriptor {}: it is no stream socket of TCP or unix",
                       socket.get()));
  }
  ::fcntl(socket.get(), F_SETFD, FD_CLOEXEC);
  ::fcntl(socket.get(), F_SETFL, ::fcntl(socket.get(), F_GETFL) | O_NONBLOCK);
  if (family != AF_UNIX) {
    send_at_once(socket.get());
  }
  if (::listen(socket.get(), backlog) != 0) {
    return fail_errno(format("listen at descriptor {}", socket.get()));
  }
  return Listener(std::move(socket), address, false);
}

void Listener::accept_on(Loop& loop, std::function<void(Fd)> accepted,
                         std::function<void(int)> failed) {
  acceptor_ = std::make_unique<Acceptor>(loop, socket_.get());
  acceptor_->accepted = std::move(accepted);
  acceptor_->failed = std::move(failed);
  acceptor_->wait();
}

void Listener::stop_accepting() {
  if (acceptor_) {
    constexpr int kAll = 1 << 20;
    acceptor_->accept_some(kAll);
    acceptor_.reset();
  }
}

}  // namespace forebay::net
