// A server that does next to nothing but note when requests arrive: what a load generator's pacing
// looks like from the other side.
//
//   arrivals FILE    listens on a free port of 127.0.0.1, prints it; on SIGTERM or SIGINT writes
//   the
//                    arrivals (CLOCK_MONOTONIC, ns, 64 bits each, native order) to FILE and ends
//
// One thread, epoll, a 2-byte answer. A read that brings several requests notes each at its time.

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <string_view>
#include <vector>

namespace {

constexpr std::string_view kAnswer =
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok";
constexpr std::string_view kHeadEnd = "\r\n\r\n";

std::int64_t now_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return (time.tv_sec * 1'000'000'000) + time.tv_nsec;
}

int listen_somewhere() {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (listener < 0 || ::bind(listener, generic, length) != 0 || ::listen(listener, 4096) != 0 ||
      ::getsockname(listener, generic, &length) != 0) {
    std::perror("cannot listen on 127.0.0.1");
    return -1;
  }
  std::printf("%d\n", ::ntohs(address.sin_port));
  std::fflush(stdout);
  return listener;
}

int stop_signals() {
  sigset_t mask{};
  ::sigemptyset(&mask);
  ::sigaddset(&mask, SIGTERM);
  ::sigaddset(&mask, SIGINT);
  ::sigprocmask(SIG_BLOCK, &mask, nullptr);
  return ::signalfd(-1, &mask, SFD_CLOEXEC);
}

class Server {
 public:
  Server(int listener, int signals) : listener_(listener), signals_(signals) {
    watch(listener, EPOLLIN);
    watch(signals, EPOLLIN);
    arrivals_.reserve(1 << 20);
  }

  void run() {
    std::array<epoll_event, 256> events{};
    while (true) {
      const int count = ::epoll_wait(epoll_, events.data(), events.size(), -1);
      for (int i = 0; i < count; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        if (fd == signals_) {
          return;
        }
        fd == listener_ ? accept_all() : serve(fd);
      }
    }
  }
  [[nodiscard]] const std::vector<std::int64_t>& arrivals() const { return arrivals_; }

 private:
  void watch(int fd, std::uint32_t events) const {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  void accept_all() const {
    int client = 0;
    while ((client = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
      const int on = 1;
      ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      watch(client, EPOLLIN);
    }
  }

  void serve(int fd) {
    std::array<char, 16 * 1024> buffer{};
    const ssize_t bytes = ::read(fd, buffer.data(), buffer.size());
    if (bytes <= 0) {
      ::close(fd);
      return;
    }
    const std::int64_t now = now_ns();
    std::string_view text(buffer.data(), static_cast<std::size_t>(bytes));
    for (std::size_t end = 0; (end = text.find(kHeadEnd)) != std::string_view::npos;) {
      arrivals_.push_back(now);
      text.remove_prefix(end + kHeadEnd.size());
      if (::send(fd, kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL) < 0) {
        return;
      }
    }
  }

  int listener_;
  int signals_;
  int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  std::vector<std::int64_t> arrivals_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: arrivals FILE\n", stderr);
    return 2;
  }
  const int signals = stop_signals();
  const int listener = listen_somewhere();
  if (listener < 0) {
    return 1;
  }
  Server server(listener, signals);
  server.run();
  std::FILE* file = std::fopen(argv[1], "wb");
  if (file == nullptr) {
    std::perror(argv[1]);
    return 1;
  }
  const std::vector<std::int64_t>& arrivals = server.arrivals();
  const bool written =
      std::fwrite(arrivals.data(), sizeof(std::int64_t), arrivals.size(), file) == arrivals.size();
  return std::fclose(file) == 0 && written ? 0 : 1;
}
