#include "base/log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "base/temporary_directory_test.h"

namespace forebay {
namespace {

/// A log in a pipe, and its reader.
class LogTest : public testing::Test {
 protected:
  LogTest() {
    path_ = directory_ / "pipe";
    ::mkfifo(path_.c_str(), 0600);
    reader_.reset(::open(path_.c_str(), O_RDONLY | O_NONBLOCK));
  }

  std::string read_all() {
    std::string text;
    std::array<char, 1 << 16> buffer{};
    for (ssize_t got = 0; (got = ::read(reader_.get(), buffer.data(), buffer.size())) > 0;) {
      text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return text;
  }

  TemporaryDirectory directory_;
  std::filesystem::path path_;
  Fd reader_;
};

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos;
       at = text.find(part, at + 1)) {
    ++found;
  }
  return found;
}

TEST_F(LogTest, TellsHowManyLinesWereLostOnceItsReaderIsBack) {
  Log log = *Log::open(path_, LogLevel::kInfo);
  const std::string line(100'000, 'x');  // of which pipe and buffer take eleven at most
  constexpr std::size_t kLines = 30;
  for (std::size_t i = 0; i < kLines; ++i) {
    log.raw(line);
  }
  log.info("short, and lost all the same");
  std::string text;
  for (std::size_t i = 0; i < kLines; ++i) {
    text += read_all();
    log.info("again");  // each line brings a piece of what is kept
  }
  text += read_all();
  const std::size_t lost = 2 * kLines + 1 - count(text, line) - count(text, "again");
  EXPECT_GT(lost, kLines / 2);
  EXPECT_EQ(count(text, format("[WARNING] {} lines of this log were lost", lost)), 1);
  EXPECT_EQ(count(text, "were lost"), 1);
  EXPECT_LT(text.find("were lost"), text.find("again"));
}

}  // namespace
}  // namespace forebay
