#include "workers/foreign_response.h"

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "base/corpus_test.h"

namespace forebay::workers {
namespace {

TEST(ForeignResponses, OfTheCorpusDoNoHarm) {
  std::map<ForeignResponse, int> ends;
  replay_corpus("worker_response", [&](const std::string& input) {
    ++ends[check_foreign_response(std::as_bytes(std::span(input)))];
  });
  EXPECT_GE(ends[ForeignResponse::kNonsense], 5);
  EXPECT_GE(ends[ForeignResponse::kRefused], 5);
  EXPECT_GE(ends[ForeignResponse::kSent], 5);
}

}  // namespace
}  // namespace forebay::workers
