#include "workers/resident_memory.h"

#include <unistd.h>

#include <fstream>

#include "base/text.h"

namespace forebay::workers {

std::uint64_t resident_bytes(pid_t pid) {
  std::ifstream file(format("/proc/{}/statm", pid));
  std::uint64_t all_pages = 0;
  std::uint64_t resident_pages = 0;
  if (!(file >> all_pages >> resident_pages)) {
    return 0;
  }
  return resident_pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace forebay::workers
