#include "http/body_check.h"

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "base/corpus_test.h"

namespace forebay::http {
namespace {

using End = BodyReading::End;

TEST(BodyFraming, ReadsTheFuzzCorpusTheSameInAllWaysAndAsLlhttp) {
  std::map<End, int> ends;
  replay_corpus("body_framing",
                [&](const std::string& input) { ++ends[check_body_framing(input).end]; });
  EXPECT_GE(ends[End::kComplete], 8);
  EXPECT_GE(ends[End::kRefused], 8);
  EXPECT_GE(ends[End::kUnfinished], 3);
}

TEST(BodyFraming, LlhttpAgreesOnWhereABodyEnds) {
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  const BodyReading reading = read_body_with_llhttp(head, "3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1");
  EXPECT_EQ(reading, (BodyReading{.body = "abc", .end = End::kComplete, .bytes = 13}));
  EXPECT_EQ(read_body_with_llhttp(head, "3\r\nab").end, End::kUnfinished);
  EXPECT_EQ(read_body_with_llhttp(head, "x\r\n").end, End::kRefused);
}

}  // namespace
}  // namespace forebay::http
