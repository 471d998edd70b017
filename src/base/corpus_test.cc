#include "base/corpus_test.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

namespace forebay {
namespace {

const std::filesystem::path kFuzz = FOREBAY_SOURCE_DIR "/fuzz";

TEST(Corpus, EachFuzzTargetHasOne) {
  std::size_t targets = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kFuzz)) {
    if (entry.path().extension() == ".cc") {
      EXPECT_GE(replay_corpus(entry.path().stem(), [](const std::string&) {}), 1U) << entry.path();
      ++targets;
    }
  }
  EXPECT_GE(targets, 10U);
}

}  // namespace

std::size_t replay_corpus(const std::string& name,
                          const std::function<void(const std::string& input)>& check) {
  std::size_t inputs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kFuzz / "corpus" / name)) {
    SCOPED_TRACE(entry.path().filename().string());
    std::ifstream file(entry.path(), std::ios::binary);
    check({std::istreambuf_iterator<char>(file), {}});
    ++inputs;
  }
  return inputs;
}

}  // namespace forebay
