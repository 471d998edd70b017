#include "base/log_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "base/text.h"

namespace forebay {
namespace {

constexpr int kLastWaitMs = 1000;

bool is_socket(int file) {
  struct stat info{};
  return ::fstat(file, &info) == 0 && S_ISSOCK(info.st_mode);
}

}  // namespace

LogFile::LogFile(Fd file, std::string path)
    : file_(std::move(file)), path_(std::move(path)), is_socket_(is_socket(file_.get())) {}

Fd LogFile::open_path(const std::string& path) {
  constexpr int kFlags = O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  return Fd(::open(path.c_str(), kFlags, 0644));
}

/// Pipes and terminals are opened anew: O_NONBLOCK on the descriptor that we got would be that of
/// everybody who shares it.
Fd LogFile::open_standard(int standard) {
  struct stat info{};
  if (::fstat(standard, &info) == 0 && (S_ISFIFO(info.st_mode) || S_ISCHR(info.st_mode))) {
    const std::string path = format("/proc/self/fd/{}", standard);
    Fd own(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (own) {
      return own;
    }
  }
  return Fd(::fcntl(standard, F_DUPFD_CLOEXEC, 0));
}

Result<LogFile> LogFile::open(const std::string& path, int standard) {
  Fd file = path == "-" ? open_standard(standard) : open_path(path);
  if (!file) {
    return fail_errno(format("open {}", path));
  }
  return LogFile(std::move(file), path);
}

LogFile::~LogFile() {
  flush();
  for (pollfd wait{file_.get(), POLLOUT, 0}; pending() && ::poll(&wait, 1, kLastWaitMs) > 0;) {
    flush();
  }
}

ssize_t LogFile::write_now(std::string_view bytes) const {
  return is_socket_ ? ::send(file_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL)
                    : ::write(file_.get(), bytes.data(), bytes.size());
}

void LogFile::flush() {
  const bool mends = cut_ && pending();
  if (mends) {
    kept_.insert(0, 1, '\n');
    cut_ = false;
  }
  std::size_t done = 0;
  while (done < kept_.size()) {
    const ssize_t written = write_now(std::string_view(kept_).substr(done));
    if (written > 0) {
      done += static_cast<std::size_t>(written);
    } else if (errno == EAGAIN) {
      break;
    } else if (errno != EINTR) {
      // A full disk or a closed pipe: serving goes on.
      const std::size_t lines = done == 0 && mends ? 1 : done;
      dropped_ += static_cast<std::uint64_t>(
          std::count(kept_.begin() + static_cast<std::ptrdiff_t>(lines), kept_.end(), '\n'));
      cut_ = done == 0 ? mends : kept_[done - 1] != '\n';
      done = kept_.size();
    }
  }
  kept_.erase(0, done);
  blocked_ = pending();
}

Result<void> LogFile::reopen() {
  if (path_ == "-") {
    return {};
  }
  Fd file = open_path(path_);
  if (!file) {
    return fail_errno(format("open {} again", path_));
  }
  flush();
  file_ = std::move(file);
  cut_ = false;
  return {};
}

}  // namespace forebay
