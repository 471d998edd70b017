#include "load/byte_source.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/text.h"

namespace forebay::load {

Result<ByteSource> ByteSource::open(const std::string& path, int stop, SourceLimits limits) {
  const bool standard = path == "stdin" || path == "-";
  Fd file(standard ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                   : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    return fail_errno("open " + path);
  }
  return ByteSource(std::move(file), standard ? "stdin" : path, stop, limits);
}

ByteSource::ByteSource(Fd file, std::string name, int stop, SourceLimits limits)
    : file_(std::move(file)), name_(std::move(name)), stop_(stop), limits_(limits) {}

Result<bool> ByteSource::more() {
  if (rest().size() >= limits_.record_bytes) {
    return fail(
        format("the record at byte {} is longer than {} bytes", offset(), limits_.record_bytes));
  }
  make_room();
  while (!ended_) {
    if (!wait()) {
      return false;
    }
    const ssize_t got = ::read(file_.get(), buffer_.data() + end_, limits_.read_bytes);
    if (got > 0) {
      end_ += static_cast<std::size_t>(got);
      return true;
    }
    if (got < 0 && errno != EINTR && errno != EAGAIN) {
      return fail_errno("read " + name_);
    }
    ended_ = got == 0;
  }
  return false;
}

void ByteSource::make_room() {
  if (!keep_ && begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    dropped_ += begin_;
    end_ -= begin_;
    begin_ = 0;
  }
  if (buffer_.size() < end_ + limits_.read_bytes) {
    buffer_.resize(std::max(2 * buffer_.size(), end_ + limits_.read_bytes));
  }
}

bool ByteSource::wait() const {
  std::array<pollfd, 2> descriptors{
      {{.fd = file_.get(), .events = POLLIN, .revents = 0},
       {.fd = stop_, .events = POLLIN, .revents = 0}}};  // -1 is passed over, poll(2)
  while (::poll(descriptors.data(), descriptors.size(), -1) < 0) {
    if (errno != EINTR) {
      return true;  // read(2) will say what is wrong
    }
  }
  return descriptors[1].revents == 0;
}

}  // namespace forebay::load
