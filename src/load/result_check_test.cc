#include "load/result_check.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

namespace forebay::load {
namespace {

struct Replayed {
  std::size_t files = 0;
  std::size_t hits = 0;
};

template <typename Check>
Replayed replay(const std::string& corpus, Check check) {
  Replayed replayed;
  for (const auto& entry :
       std::filesystem::directory_iterator(FOREBAY_SOURCE_DIR "/fuzz/corpus/" + corpus)) {
    SCOPED_TRACE(entry.path().filename().string());
    std::ifstream file(entry.path(), std::ios::binary);
    replayed.hits += check(std::string(std::istreambuf_iterator<char>(file), {}));
    ++replayed.files;
  }
  return replayed;
}

TEST(Results, OfTheCorpusKeepTheirPromises) {
  const Replayed replayed =
      replay("results", [](const std::string& bytes) { return check_results(bytes); });
  EXPECT_GE(replayed.files, 20U);
  EXPECT_GE(replayed.hits, 20U) << "some of the corpus is right";
}

TEST(GobStream, OfTheCorpusKeepsItsPromises) {
  const Replayed replayed = replay("gob", [](const std::string& bytes) {
    const auto decoder = gob_decoder();
    return check_results(bytes, *decoder);
  });
  EXPECT_GE(replayed.files, 7U);
  EXPECT_GE(replayed.hits, 6U) << "some of the corpus is right";
}

}  // namespace
}  // namespace forebay::load
