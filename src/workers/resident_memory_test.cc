#include "workers/resident_memory.h"

#include <sys/wait.h>
#include <unistd.h>

#include <vector>

#include <gtest/gtest.h>

namespace forebay::workers {
namespace {

TEST(ResidentMemory, GrowsWithWhatIsWritten) {
  constexpr std::size_t kBytes = std::size_t{64} << 20;
  const std::uint64_t before = resident_bytes(::getpid());
  const std::vector<char> written(kBytes, 'x');
  EXPECT_GT(before, 0);
  EXPECT_GT(resident_bytes(::getpid()), before + kBytes / 2);
  EXPECT_EQ(written.back(), 'x');
}

TEST(ResidentMemory, OfAProcessThatIsGoneIsNone) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::_exit(0);
  }
  ::waitpid(pid, nullptr, 0);
  EXPECT_EQ(resident_bytes(pid), 0);
}

}  // namespace
}  // namespace forebay::workers
