#include "front/spool_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>

#include "base/text.h"

namespace forebay::front {

Result<SpoolFile> SpoolFile::create(const std::string& directory) {
  Fd fd(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!fd && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT)) {
    std::string path = directory + "/forebay-XXXXXX";  // a file system without O_TMPFILE
    fd.reset(::mkostemp(path.data(), O_CLOEXEC));
    if (fd) {
      ::unlink(path.c_str());
    }
  }
  if (!fd) {
    return fail_errno(format("create a temporary file in {}", directory));
  }
  return SpoolFile(std::move(fd));
}

Result<void> SpoolFile::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written =
        ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written <= 0) {
      return fail_errno("write to a temporary file");
    }
    size_ += static_cast<std::uint64_t>(written);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> SpoolFile::read(std::uint64_t offset, char* out, std::size_t bytes) const {
  while (bytes != 0) {
    const ssize_t got = ::pread(fd_.get(), out, bytes, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      return fail_errno("read a temporary file", got == 0 ? EIO : errno);
    }
    out += got;
    offset += static_cast<std::uint64_t>(got);
    bytes -= static_cast<std::size_t>(got);
  }
  return {};
}

Result<Fd> SpoolFile::reopen() const {
  Fd copy(::open(format("/proc/self/fd/{}", fd_.get()).c_str(), O_RDONLY | O_CLOEXEC));
  if (!copy) {
    return fail_errno("reopen a temporary file (is /proc mounted?)");
  }
  return copy;
}

}  // namespace forebay::front
