#include "doctor/foreign_check.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

namespace forebay::doctor {
namespace {

TEST(ForeignBytes, OfTheCorpusAreReadOrNot) {
  std::size_t files = 0;
  std::size_t count = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(FOREBAY_SOURCE_DIR "/fuzz/corpus/doctor")) {
    SCOPED_TRACE(entry.path().filename().string());
    std::ifstream corpus(entry.path(), std::ios::binary);
    count += check_foreign_bytes(std::string(std::istreambuf_iterator<char>(corpus), {}));
    ++files;
  }
  EXPECT_GE(files, 12U);
  EXPECT_GE(count, 15U) << "some of the corpus is right";
}

}  // namespace
}  // namespace forebay::doctor
