#include "load/result_check.h"

#include <string>

#include <gtest/gtest.h>

#include "base/corpus_test.h"

namespace forebay::load {
namespace {

TEST(Results, OfTheCorpusKeepTheirPromises) {
  std::size_t hits = 0;
  const std::size_t inputs =
      replay_corpus("results", [&](const std::string& input) { hits += check_results(input); });
  EXPECT_GE(inputs, 20U);
  EXPECT_GE(hits, 20U) << "some of the corpus is right";
}

TEST(GobStream, OfTheCorpusKeepsItsPromises) {
  std::size_t hits = 0;
  const std::size_t inputs = replay_corpus("gob", [&](const std::string& input) {
    const auto decoder = gob_decoder();
    hits += check_results(input, *decoder);
  });
  EXPECT_GE(inputs, 7U);
  EXPECT_GE(hits, 6U) << "some of the corpus is right";
}

}  // namespace
}  // namespace forebay::load
