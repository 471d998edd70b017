#include "channel/foreign_records.h"

#include <cstddef>
#include <span>
#include <string>

#include <gtest/gtest.h>

#include "base/corpus_test.h"

namespace forebay::channel {
namespace {

TEST(ForeignRecords, OfTheCorpusDoNoHarm) {
  std::size_t taken = 0;
  const std::size_t inputs = replay_corpus("channel_records", [&](const std::string& input) {
    taken += drain_foreign_records(bytes_of(input));
  });
  EXPECT_GE(inputs, 10U);
  EXPECT_GE(taken, 5U) << "some of the corpus is right";
}

}  // namespace
}  // namespace forebay::channel
