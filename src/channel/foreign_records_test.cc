#include "channel/foreign_records.h"

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>

#include <gtest/gtest.h>

namespace forebay::channel {
namespace {

TEST(ForeignRecords, OfTheCorpusDoNoHarm) {
  std::size_t files = 0;
  std::size_t taken = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(FOREBAY_SOURCE_DIR "/fuzz/corpus/channel_records")) {
    SCOPED_TRACE(entry.path().filename().string());
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(file), {});
    taken += drain_foreign_records(bytes_of(bytes));
    ++files;
  }
  EXPECT_GE(files, 10U);
  EXPECT_GE(taken, 5U) << "some of the corpus is right";
}

}  // namespace
}  // namespace forebay::channel
