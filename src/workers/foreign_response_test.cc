#include "workers/foreign_response.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include <gtest/gtest.h>

namespace forebay::workers {
namespace {

TEST(ForeignResponses, OfTheCorpusDoNoHarm) {
  std::map<ForeignResponse, int> ends;
  for (const auto& entry :
       std::filesystem::directory_iterator(FOREBAY_SOURCE_DIR "/fuzz/corpus/worker_response")) {
    SCOPED_TRACE(entry.path().filename().string());
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(file), {});
    ++ends[check_foreign_response(std::as_bytes(std::span(bytes)))];
  }
  EXPECT_GE(ends[ForeignResponse::kNonsense], 5);
  EXPECT_GE(ends[ForeignResponse::kRefused], 5);
  EXPECT_GE(ends[ForeignResponse::kSent], 5);
}

}  // namespace
}  // namespace forebay::workers
