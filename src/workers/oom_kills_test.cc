#include "workers/oom_kills.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "base/temporary_directory_test.h"

namespace forebay::workers {
namespace {

/// A directory that stands for /proc and /sys/fs/cgroup.
class OomKills : public testing::Test {
 protected:
  OomKills() { std::filesystem::create_directories(directory_ / "sys/shop.slice"); }

  void write(const std::string& path, const std::string& text) const {
    std::ofstream(directory_ / path) << text;
  }
  [[nodiscard]] std::optional<std::uint64_t> read() const {
    return read_oom_kills(directory_ / "cgroup", directory_ / "sys");
  }

 private:
  TemporaryDirectory directory_;
};

TEST_F(OomKills, AreCountedInOurOwnGroup) {
  write("cgroup", "0::/shop.slice\n");
  write("sys/shop.slice/memory.events", "low 0\nhigh 5\nmax 7\noom 4\noom_kill 3\n");
  EXPECT_EQ(read(), 3);
}

TEST_F(OomKills, AreFoundBesideVersion1) {
  write("cgroup", "4:memory:/elsewhere\n0::/\n");
  write("sys/memory.events", "oom_kill 0\n");
  EXPECT_EQ(read(), 0);
}

TEST_F(OomKills, AreNotToBeKnownWithoutVersion2) {
  EXPECT_EQ(read(), std::nullopt) << "no /proc";
  write("cgroup", "4:memory:/shop.slice\n");
  write("sys/shop.slice/memory.events", "oom_kill 1\n");
  EXPECT_EQ(read(), std::nullopt) << "version 1 alone";
  write("cgroup", "0::/elsewhere\n");
  EXPECT_EQ(read(), std::nullopt) << "no such group here";
  write("cgroup", "0::/shop.slice\n");
  write("sys/shop.slice/memory.events", "max 7\noom_kill many\n");
  EXPECT_EQ(read(), std::nullopt) << "no number";
}

}  // namespace
}  // namespace forebay::workers
