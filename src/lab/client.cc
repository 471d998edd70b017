#include "lab/client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <charconv>

#include "base/text.h"

namespace forebay::lab {

Result<Client> Client::connect(std::uint16_t port) {
  Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (!socket ||
      (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 &&
       errno != EINPROGRESS)) {
    return fail_errno(format("connect to 127.0.0.1:{}", port));
  }
  return Client(std::move(socket));
}

bool Client::connected(Duration patience) const {
  pollfd event{.fd = socket_.get(), .events = POLLOUT, .revents = 0};
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(patience).count();
  return ::poll(&event, 1, static_cast<int>(ms)) == 1 && (event.revents & POLLHUP) == 0;
}

std::optional<std::size_t> Client::send(std::string_view bytes) {
  const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent < 0) {
    return errno == EAGAIN ? std::optional<std::size_t>(0) : std::nullopt;
  }
  return static_cast<std::size_t>(sent);
}

std::optional<int> Client::answer() {
  constexpr std::size_t kStatusAt = std::string_view("HTTP/1.1 ").size();
  std::array<char, 4096> block;
  const ssize_t bytes = ::recv(socket_.get(), block.data(), block.size(), 0);
  if (bytes > 0) {
    received_.append(block.data(), static_cast<std::size_t>(bytes));
  }
  if (received_.contains("\r\n\r\n") && received_.size() > kStatusAt) {
    int status = 0;
    std::from_chars(received_.data() + kStatusAt, received_.data() + received_.size(), status);
    return status;
  }
  const bool over = bytes == 0 || (bytes < 0 && errno != EAGAIN);
  return over ? std::optional(0) : std::nullopt;
}

}  // namespace forebay::lab
