#include "workers/tracebacks.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

namespace forebay::workers {
namespace {

constexpr std::size_t kShownMax = std::size_t{64} << 10;

}  // namespace

Result<Tracebacks> Tracebacks::create() {
  Fd memfd(::memfd_create("forebay-tracebacks", MFD_CLOEXEC));
  return memfd ? Result<Tracebacks>(Tracebacks(std::move(memfd)))
               : fail_errno("create a memory file for tracebacks");
}

int Tracebacks::signal() { return SIGRTMAX; }

std::string Tracebacks::take(std::size_t part) {
  const auto offset = static_cast<off_t>(part * kPartBytes);
  std::string text(kShownMax, '\0');
  const ssize_t read = ::pread(memfd_.get(), text.data(), text.size(), offset);
  text.resize(read > 0 ? static_cast<std::size_t>(read) : 0);
  text.resize(std::min(text.find('\0'), text.size()));
  text.resize(text.find_last_not_of('\n') + 1);
  ::fallocate(memfd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset,
              static_cast<off_t>(kPartBytes));
  return text;
}

}  // namespace forebay::workers
