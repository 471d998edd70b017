#include "base/log_file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "base/temporary_directory_test.h"

namespace forebay {
namespace {

namespace fs = std::filesystem;

class LogFileTest : public testing::Test {
 protected:
  static void say(LogFile& log, std::string_view text) {
    log.line([text](std::string& out) { out.append(text).push_back('\n'); });
  }
  static std::string content(const fs::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  [[nodiscard]] std::string path() const { return directory_ / "log"; }

  TemporaryDirectory directory_;
};

TEST_F(LogFileTest, AppendsAndIsWrittenAtTheEnd) {
  std::ofstream(path()) << "before\n";
  {
    LogFile log = *LogFile::open(path(), 1);
    say(log, "one");
    EXPECT_TRUE(log.pending());
    log.flush();
    EXPECT_EQ(content(path()), "before\none\n");
    say(log, "two");
  }
  EXPECT_EQ(content(path()), "before\none\ntwo\n");
}

TEST_F(LogFileTest, ReopensWhatWasRenamed) {
  LogFile log = *LogFile::open(path(), 1);
  say(log, "old");
  fs::rename(path(), path() + ".1");
  ASSERT_TRUE(log.reopen());
  say(log, "new");
  log.flush();
  EXPECT_EQ(content(path() + ".1"), "old\n");
  EXPECT_EQ(content(path()), "new\n");
}

TEST_F(LogFileTest, KeepsTheOldFileWhenThereIsNoNewOne) {
  LogFile log = *LogFile::open(path(), 1);
  fs::rename(path(), path() + ".1");
  fs::create_directory(path());
  const Result<void> reopened = log.reopen();
  ASSERT_FALSE(reopened);
  EXPECT_NE(reopened.error().message.find(path()), std::string::npos);
  say(log, "still");
  log.flush();
  EXPECT_EQ(content(path() + ".1"), "still\n");
}

/// Takes what is there now.
std::string drain(int fd) {
  std::string all;
  std::array<char, 4096> piece{};
  for (ssize_t bytes = 0; (bytes = ::read(fd, piece.data(), piece.size())) > 0;) {
    all.append(piece.data(), static_cast<std::size_t>(bytes));
  }
  return all;
}

TEST_F(LogFileTest, APipeThatNobodyReadsMakesNobodyWait) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const Fd reader(ends[0]);
  const Fd writer(ends[1]);
  ::fcntl(reader.get(), F_SETFL, O_NONBLOCK);
  LogFile log = *LogFile::open("-", writer.get());
  EXPECT_EQ(::fcntl(writer.get(), F_GETFL) & O_NONBLOCK, 0) << "others share it";
  const std::string text(999, 'x');
  for (int i = 0; i < 3000; ++i) {
    say(log, text);
    log.flush();
  }
  EXPECT_TRUE(log.pending());
  const std::uint64_t dropped = log.dropped();
  EXPECT_GT(dropped, 1800U);
  EXPECT_LT(dropped, 2000U);
  std::string all;
  while (log.pending()) {
    all += drain(reader.get());
    log.flush();
  }
  all += drain(reader.get());
  EXPECT_EQ(all.size(), (3000 - dropped) * 1000) << "whole lines, each once";
  say(log, "again");
  log.flush();
  EXPECT_EQ(drain(reader.get()), "again\n");
  EXPECT_EQ(log.dropped(), dropped);
}

/// A limit on files stands for a full disk.
TEST_F(LogFileTest, ALineThatAFullDiskHasCutEndsBeforeTheNext) {
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  LogFile log = *LogFile::open(path(), 1);
  const rlimit ten{10, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &ten);
  for (const std::string_view line : {"first", "second", "third", "fourth"}) {
    say(log, line);
    log.flush();
  }
  ::setrlimit(RLIMIT_FSIZE, &before);
  say(log, "fifth");
  log.flush();
  EXPECT_EQ(content(path()), "first\nseco\nfifth\n");
  EXPECT_EQ(log.dropped(), 3U);
}

TEST_F(LogFileTest, AClosedPipeLosesLinesAndNothingElse) {
  ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
  EXPECT_FALSE(LogFile::open(path(), 1)) << "nobody reads";
  Fd reader(::open(path().c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  LogFile log = *LogFile::open(path(), 1);
  reader.reset();
  ::signal(SIGPIPE, SIG_IGN);
  say(log, "one");
  say(log, "two");
  log.flush();
  EXPECT_FALSE(log.pending());
  EXPECT_EQ(log.dropped(), 2U);
}

}  // namespace
}  // namespace forebay
