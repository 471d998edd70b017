#include "net/stream.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include <cerrno>

namespace forebay::net {
namespace {

constexpr std::uint32_t kReadEvents = EPOLLIN | EPOLLRDHUP | EPOLLET;

}  // namespace

Stream::Stream(Poller& poller, Fd socket, User& user)
    : poller_(poller), socket_(std::move(socket)), user_(user) {
  if (!poller_.add(socket_.get(), kReadEvents, *this)) {
    socket_.reset();
  }
}

std::size_t Stream::read(std::span<char> into) {
  if (at_end()) {
    return 0;
  }
  const ssize_t bytes = ::recv(socket_.get(), into.data(), into.size(), MSG_DONTWAIT);
  if (bytes > 0) {
    // A short read has emptied the socket: what comes later is told anew. The peer's end is told
    // once, maybe together with what was read just now.
    unread_ = static_cast<std::size_t>(bytes) == into.size() || peer_closed_;
    return static_cast<std::size_t>(bytes);
  }
  if (bytes < 0 && errno == EAGAIN) {
    unread_ = false;
  } else {
    at_end_ = true;
    hung_up_ = hung_up_ || bytes < 0;
  }
  return 0;
}

void Stream::want_read() {
  if (unread_ && open()) {
    poller_.ask(*this);
  }
}

std::size_t Stream::write(std::span<const iovec> parts) {
  if (broken()) {
    return 0;
  }
  constexpr int kFlags = MSG_DONTWAIT | MSG_NOSIGNAL;
  if (parts.size() == 1) {  // what most answers and requests are: the kernel has less to look at
    const auto [bytes, size] = parts.front();
    const ssize_t sent = ::send(socket_.get(), bytes, size, kFlags);
    return written(sent, sent < static_cast<ssize_t>(size));
  }
  std::size_t wanted = 0;
  for (const iovec& part : parts) {
    wanted += part.iov_len;
  }
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts.data());
  message.msg_iovlen = parts.size();
  const ssize_t sent = ::sendmsg(socket_.get(), &message, kFlags);
  return written(sent, sent < static_cast<ssize_t>(wanted));
}

std::size_t Stream::write_file(int file, std::uint64_t& offset, std::size_t bytes) {
  if (broken()) {
    return 0;
  }
  auto position = static_cast<off_t>(offset);
  const ssize_t sent = ::sendfile(socket_.get(), file, &position, bytes);
  offset = static_cast<std::uint64_t>(position);
  return written(sent, sent < 0);
}

std::size_t Stream::written(ssize_t sent, bool incomplete) {
  broken_ = sent < 0 && errno != EAGAIN;
  if (incomplete && !broken_) {
    wait_writable();
  }
  return sent < 0 ? 0 : static_cast<std::size_t>(sent);
}

void Stream::ready(std::uint32_t events) {
  constexpr std::uint32_t kBroken = EPOLLHUP | EPOLLERR;
  unread_ = unread_ || (events & (EPOLLIN | EPOLLRDHUP | kBroken)) != 0;
  hung_up_ = hung_up_ || (events & kBroken) != 0;
  peer_closed_ = peer_closed_ || (events & (EPOLLRDHUP | kBroken)) != 0;
  if (blocked_ && (events & (EPOLLOUT | kBroken)) != 0) {
    blocked_ = false;
    want_read();  // in the next turn: the user may close this stream now
    user_.writable();
  } else if (unread_) {
    user_.readable();
  }
}

std::uint64_t Stream::unsent() const {
  int bytes = 0;
  return open() && ::ioctl(socket_.get(), SIOCOUTQ, &bytes) == 0 && bytes > 0
             ? static_cast<std::uint64_t>(bytes)
             : 0;
}

/// Writable sockets are no news until one was full: only then it is worth being told.
void Stream::wait_writable() {
  blocked_ = true;
  poller_.change(socket_.get(), kReadEvents | EPOLLOUT, *this);
}

void Stream::shutdown_write() {
  if (open()) {
    ::shutdown(socket_.get(), SHUT_WR);
  }
}

void Stream::close() {
  poller_.forget(*this);
  socket_.reset();
}

bool Stream::has_unread() const {
  int bytes = 0;
  return open() && ::ioctl(socket_.get(), FIONREAD, &bytes) == 0 && bytes > 0;
}

}  // namespace forebay::net
