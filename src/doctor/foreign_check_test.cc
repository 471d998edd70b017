#include "doctor/foreign_check.h"

#include <string>

#include <gtest/gtest.h>

#include "base/corpus_test.h"

namespace forebay::doctor {
namespace {

TEST(ForeignBytes, OfTheCorpusAreReadOrNot) {
  std::size_t count = 0;
  const std::size_t inputs = replay_corpus(
      "doctor", [&](const std::string& input) { count += check_foreign_bytes(input); });
  EXPECT_GE(inputs, 12U);
  EXPECT_GE(count, 15U) << "some of the corpus is right";
}

}  // namespace
}  // namespace forebay::doctor
