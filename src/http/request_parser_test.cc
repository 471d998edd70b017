// How the parser is used over the life of a connection: A19 (limits), A21 (pipelining), views,
// memory, and the corpus.

#include "http/request_parser.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "base/corpus_test.h"
#include "http/request_parser_test.h"

namespace forebay::http {
namespace {

using Event = RequestParser::Event;

std::string get(std::string_view fields) {
  return std::string("GET / HTTP/1.1\r\nHost: a\r\n").append(fields).append("\r\n");
}

TEST(RequestLimits, A19_RequestLine) {
  RequestLimits limits;
  limits.request_line_bytes = 40;
  const auto with_line_of = [](size_t bytes) {
    return "GET /" + std::string(bytes - 14, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n";
  };
  EXPECT_TRUE(accepted(with_line_of(40), limits));
  EXPECT_EQ(refused(with_line_of(41), limits), 414);
  EXPECT_EQ(refused(std::string(40, 'x'), limits), 0);
  EXPECT_EQ(refused(std::string(41, 'x'), limits), 414) << "at once, not at the end of the line";
}

TEST(RequestLimits, A19_RequestLineWithoutALimitIsBounded) {
  RequestLimits limits;
  limits.request_line_bytes = 0;
  Transcript longest(limits);
  longest.feed("GET /" + std::string((1 << 20) - 14, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(longest.completed(), 1);
  Transcript too_long(limits);
  too_long.feed("GET /" + std::string((1 << 20) - 13, 'x') + " HTTP/1.1\r\n");
  EXPECT_EQ(too_long.status(), 414);
}

TEST(RequestLimits, A19_NumberOfFields) {
  RequestLimits limits;
  limits.fields = 3;
  EXPECT_TRUE(accepted(get("A: 1\r\nB: 2\r\n"), limits));
  EXPECT_EQ(refused(get("A: 1\r\nB: 2\r\nC: 3\r\n"), limits), 431);
}

TEST(RequestLimits, A19_SizeOfOneField) {
  RequestLimits limits;
  limits.field_bytes = 20;
  EXPECT_TRUE(accepted(get("A: " + std::string(17, 'x') + "\r\n"), limits));
  EXPECT_EQ(refused(get("A: " + std::string(18, 'x') + "\r\n"), limits), 431);
  EXPECT_EQ(refused("GET / HTTP/1.1\r\n" + std::string(21, 'x'), limits), 431) << "at once";
}

TEST(RequestLimits, A19_SizeOfAllFields) {
  RequestLimits limits;
  limits.head_bytes = 40;  // "Host: a" and its CRLF are 9 of them
  EXPECT_TRUE(accepted(
      get("A: " + std::string(10, 'x') + "\r\nB: " + std::string(13, 'x') + "\r\n"), limits));
  EXPECT_EQ(refused(get("A: " + std::string(10, 'x') + "\r\nB: " + std::string(14, 'x') + "\r\n"),
                    limits),
            431);
}

TEST(RequestLimits, A19_BodyOfKnownLengthIsRefusedBeforeItIsRead) {
  RequestLimits limits;
  limits.body_bytes = 5;
  EXPECT_TRUE(accepted(get("Content-Length: 5\r\n") + "abcde", limits));
  EXPECT_EQ(refused(get("Content-Length: 6\r\n"), limits), 413);
}

TEST(RequestLimits, A19_ChunkedBodyIsRefusedWithTheChunkThatIsTooMuch) {
  RequestLimits limits;
  limits.body_bytes = 5;
  const std::string head = get("Transfer-Encoding: chunked\r\n");
  EXPECT_TRUE(accepted(head + "2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n", limits));
  const Outcome outcome = parse(head + "2\r\nab\r\n4\r\n", limits);
  EXPECT_EQ(outcome.status, 413);
  EXPECT_TRUE(outcome.text.contains("body ab\n")) << outcome.text;
  limits.body_bytes = 0;
  EXPECT_TRUE(accepted(head + "0\r\n\r\n", limits));
  EXPECT_EQ(parse(head + "1\r\n", limits).status, 413);
}

TEST(RequestParser, A21_ReadsPipelinedRequestsInOrder) {
  EXPECT_EQ(parse("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: "
                  "a\r\nContent-Length: 2\r\n\r\nxy\r\n"
                  "POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
                  "chunked\r\n\r\n1\r\nz\r\n0\r\n\r\nGET /4 HTTP/1.0\r\n\r\nGE")
                .text,
            "GET /1 1.1 keep-alive\nHost: a\ncomplete\n"
            "POST /2 1.1 length=2 keep-alive\nHost: a\nContent-Length: 2\nbody xy\ncomplete\n"
            "POST /3 1.1 chunked keep-alive\nHost: a\nbody z\ncomplete\n"
            "GET /4 1.0\ncomplete\nunfinished\n");
}

TEST(RequestParser, A21_LeavesTheNextRequestInTheInput) {
  const RequestLimits limits;
  RequestParser parser(limits);
  const std::string both = get("") + "GET /next";
  std::string_view input = both;
  EXPECT_EQ(parser.next(input), Event::kHead);
  EXPECT_EQ(parser.next(input), Event::kComplete);
  EXPECT_EQ(input, "GET /next");
  EXPECT_EQ(parser.next(input), Event::kComplete) << "until reset()";
  EXPECT_EQ(input, "GET /next");
}

TEST(RequestParser, GivesTheBodyAsViewsIntoTheInput) {
  const RequestLimits limits;
  RequestParser parser(limits);
  const std::string request =
      get("Transfer-Encoding: chunked\r\n") + "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
  std::string_view input = request;
  ASSERT_EQ(parser.next(input), Event::kHead);
  ASSERT_EQ(parser.next(input), Event::kBody);
  EXPECT_EQ(parser.body(), "abc");
  EXPECT_EQ(parser.body().data(), request.data() + request.find("abc"));
  ASSERT_EQ(parser.next(input), Event::kBody);
  EXPECT_EQ(parser.body(), "de");
  EXPECT_EQ(parser.body().data(), request.data() + request.find("de"));
  EXPECT_EQ(parser.next(input), Event::kComplete);
}

TEST(RequestParser, HeadStaysValidWhileTheBodyArrives) {
  const RequestLimits limits;
  RequestParser parser(limits);
  std::string head = get("X: value\r\nTransfer-Encoding: chunked\r\n");
  std::string_view input = head;
  ASSERT_EQ(parser.next(input), Event::kHead);
  head.assign(head.size(), '!');
  const std::string body = "1\r\nx\r\n0\r\nA: " + std::string(5000, 'y') + "\r\n\r\n";
  input = body;
  ASSERT_EQ(parser.next(input), Event::kBody);
  ASSERT_EQ(parser.next(input), Event::kComplete);
  EXPECT_EQ(parser.head().method, "GET");
  EXPECT_EQ(parser.head().target, "/");
  ASSERT_EQ(parser.head().fields.size(), 2);
  EXPECT_EQ(parser.head().fields[1].value, "value");
}

TEST(RequestParser, SaysWhenARequestHasStarted) {
  const RequestLimits limits;
  RequestParser parser(limits);
  const auto feed = [&parser](std::string_view input) { return parser.next(input); };
  EXPECT_FALSE(parser.started());
  feed("\r");
  EXPECT_FALSE(parser.started());
  feed("\n\r\n");
  EXPECT_FALSE(parser.started());
  feed("G");
  EXPECT_TRUE(parser.started());
  feed("ET / HTTP/1.0\r\n");
  EXPECT_TRUE(parser.started());
  EXPECT_EQ(feed("\r\n"), Event::kHead);
  EXPECT_EQ(feed(""), Event::kComplete);
  EXPECT_TRUE(parser.started());
  parser.reset();
  EXPECT_FALSE(parser.started());
}

TEST(RequestParser, StaysInError) {
  const RequestLimits limits;
  RequestParser parser(limits);
  std::string_view input = "GET\r\n";
  EXPECT_EQ(parser.next(input), Event::kError);
  EXPECT_EQ(parser.error().status, 400);
  const std::string good = get("");
  input = good;
  EXPECT_EQ(parser.next(input), Event::kError);
  EXPECT_EQ(input.size(), good.size());
}

// An idle connection must cost little: what the object holds beside itself is bounded by the
// kKept... constants.
TEST(RequestParser, IsSmall) { EXPECT_LE(sizeof(RequestParser), 512); }

TEST(RequestParser, ReadsTheFuzzCorpusTheSameInAllWays) {
  const std::size_t inputs = replay_corpus("request_head", [](const std::string& input) {
    ASSERT_FALSE(input.empty());
    parse(input.substr(1));  // the first byte is the fuzz target's own
  });
  EXPECT_GE(inputs, 1U);
}

}  // namespace
}  // namespace forebay::http
