#include "load/line_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"

namespace forebay::load {
namespace {

constexpr std::size_t kReadBytes = std::size_t{64} << 10;

}  // namespace

Result<LineReader> LineReader::open(const std::string& path) {
  if (path == "stdin" || path == "-") {
    return LineReader("stdin", Fd(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)));
  }
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    return fail_errno(format("open {}", path));
  }
  return LineReader(path, std::move(file));
}

Result<bool> LineReader::next(std::string_view& line) {
  if (again_) {
    again_ = false;
    line = last_;
    return true;
  }
  std::size_t looked = start_;  // no line ends before it
  std::size_t end = buffer_.find('\n', looked);
  while (end == std::string::npos) {
    looked = buffer_.size() - start_;
    buffer_.erase(0, start_);
    start_ = 0;
    const Result<bool> more = read_more();
    if (!more) {
      return more;
    }
    if (!*more) {
      break;
    }
    end = buffer_.find('\n', looked);
  }
  if (end == std::string::npos && buffer_.empty()) {
    return false;
  }
  ++number_;
  const std::size_t size = end == std::string::npos ? buffer_.size() : end - start_;
  if (size > kLineBytesMax) {
    return fail(format("a line of more than {} MiB{}", kLineBytesMax >> 20, place()));
  }
  last_ = line = std::string_view(buffer_).substr(start_, size);
  start_ += size + (end == std::string::npos ? 0 : 1);
  return true;
}

/// False: that was all.
Result<bool> LineReader::read_more() {
  if (!file_) {
    return false;
  }
  if (buffer_.size() > kLineBytesMax) {
    ++number_;
    return fail(format("a line of more than {} MiB{}", kLineBytesMax >> 20, place()));
  }
  const std::size_t before = buffer_.size();
  buffer_.resize(before + kReadBytes);
  ssize_t got = 0;
  do {
    got = ::read(file_.get(), buffer_.data() + before, kReadBytes);
  } while (got < 0 && errno == EINTR);
  const int code = errno;
  buffer_.resize(before + static_cast<std::size_t>(got > 0 ? got : 0));
  if (got < 0) {
    return fail_errno(format("read {}", name_), code);
  }
  return got > 0;
}

std::string LineReader::place() const { return format(" (line {} of {})", number_, name_); }

}  // namespace forebay::load
