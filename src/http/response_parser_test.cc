#include "http/response_parser.h"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "base/corpus_test.h"
#include "http/response_transcript.h"

namespace forebay::http {
namespace {

using Event = ResponseParser::Event;

constexpr ResponseLimits kLimits;

/// Parses `input`, at whose end the peer closes, whole, byte by byte, and cut in two at every
/// place. All must come out the same.
std::string read(std::string_view input, const ResponseLimits& limits = kLimits,
                 bool heads_only = false) {
  const auto in_pieces = [&](const std::vector<std::string_view>& pieces) {
    ResponseTranscript transcript(limits, heads_only);
    for (const std::string_view piece : pieces)
      transcript.feed(piece);
    transcript.finish();
    return transcript.text();
  };
  std::string whole = in_pieces({input});
  std::vector<std::string_view> bytes;
  for (const char& byte : input)
    bytes.emplace_back(&byte, 1);
  EXPECT_EQ(whole, in_pieces(bytes)) << "byte by byte: " << testing::PrintToString(input);
  for (size_t cut = 0; cut <= input.size() && !testing::Test::HasFailure(); ++cut) {
    EXPECT_EQ(whole, in_pieces({input.substr(0, cut), input.substr(cut)})) << "cut at " << cut;
  }
  return whole;
}

/// What read() says of one answer: its head twice (when it came, and at the end), its body, its
/// end.
std::string once(const std::string& head, const std::string& end) { return head + head + end; }

TEST(ResponseParser, ReadsAnAnswerWithALength) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 5\r\nX-Empty:\r\n\r\nhello"),
            once("1.1 200 OK\nServer: x\nContent-Length: 5\nX-Empty: \n",
                 "body hello\ncomplete keep-alive\n"));
}

TEST(ResponseParser, ReadsOneAfterTheOther) {
  const std::string answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno";
  const std::string read_once =
      once("1.1 404 Not Found\nContent-Length: 2\n", "body no\ncomplete keep-alive\n");
  EXPECT_EQ(read(answer + answer), read_once + read_once);
}

TEST(ResponseParser, ReadsChunksAndSkipsTrailers) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "3;ext=1\r\nabc\r\n0a\r\n0123456789\r\n0\r\nX-Trailer: 1\r\nY: 2\r\n\r\n"),
            once("1.1 200 OK\nTransfer-Encoding: chunked\n",
                 "body abc0123456789\ncomplete keep-alive\n"));
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            once("1.1 200 OK\nTransfer-Encoding: chunked\n", "complete keep-alive\n"));
}

TEST(ResponseParser, ABodyWithoutFramingEndsWithTheConnection) {
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\n\r\nuntil the end\r\n\r\n"),
            once("1.1 200 OK\n", "body until the end\r\n\r\n\ncomplete close\n"));
  EXPECT_EQ(read("HTTP/1.0 200 OK\r\n\r\n"), once("1.0 200 OK\n", "complete close\n"));
}

TEST(ResponseParser, TheReasonMayBeMissing) {
  EXPECT_EQ(read("HTTP/1.1 299\r\nContent-Length: 0\r\n\r\n"),
            once("1.1 299 \nContent-Length: 0\n", "complete keep-alive\n"));
  EXPECT_EQ(read("HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n"),
            once("1.1 299 \nContent-Length: 0\n", "complete keep-alive\n"));
}

TEST(ResponseParser, SomeAnswersHaveNoBodyWhateverTheySay) {
  const std::string after = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  const std::string read_after = once("1.1 200 OK\nContent-Length: 0\n", "complete keep-alive\n");
  EXPECT_EQ(read("HTTP/1.1 204 No Content\r\n\r\n" + after),
            once("1.1 204 No Content\n", "complete keep-alive\n") + read_after);
  EXPECT_EQ(
      read("HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n" + after),
      once("1.1 304 Not Modified\nContent-Length: 77\n", "complete keep-alive\n") + read_after);
  EXPECT_EQ(read("HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n" + after),
            once("1.1 304 Not Modified\nTransfer-Encoding: chunked\n", "complete keep-alive\n") +
                read_after);
}

TEST(ResponseParser, AnAnswerToHeadEndsWithItsHead) {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n";
  const std::string read_once = once("1.1 200 OK\nContent-Length: 9\n", "complete keep-alive\n");
  EXPECT_EQ(read(head + head, kLimits, true), read_once + read_once);
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\n\r\n", kLimits, true),
            once("1.1 200 OK\n", "complete keep-alive\n"));
}

TEST(ResponseParser, SkipsInterimAnswers) {
  EXPECT_EQ(read("HTTP/1.1 100 Continue\r\n\r\n"
                 "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nContent-Length: 5\r\n\r\n"
                 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
            once("1.1 200 OK\nContent-Length: 2\n", "body ok\ncomplete keep-alive\n"));
  EXPECT_EQ(read("HTTP/1.1 100 Continue\r\n\r\n"), "error closed before the answer was complete\n");
}

TEST(ResponseParser, AfterASwitchOfProtocolsThereIsNoOtherAnswer) {
  const std::string head =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n"
      "Connection: upgrade\r\n\r\n";
  EXPECT_EQ(
      read(head + "bytes of x"),
      once("1.1 101 Switching Protocols\nUpgrade: x\nConnection: upgrade\n", "complete close\n"));
}

TEST(ResponseParser, KnowsWhetherTheConnectionMayGoOn) {
  const auto goes_on = [](const std::string& start) {
    return read(start + "Content-Length: 0\r\n\r\n").ends_with("complete keep-alive\n");
  };
  EXPECT_TRUE(goes_on("HTTP/1.1 200 OK\r\n"));
  EXPECT_FALSE(goes_on("HTTP/1.1 200 OK\r\nConnection: close\r\n"));
  EXPECT_FALSE(goes_on("HTTP/1.1 200 OK\r\nconnection: x, Close\r\n"));
  EXPECT_FALSE(goes_on("HTTP/1.0 200 OK\r\n"));
  EXPECT_TRUE(goes_on("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n"));
}

TEST(ResponseParser, WhatComesAfterTheEndIsLeft) {
  ResponseParser parser(kLimits);
  std::string_view input = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nxrest";
  EXPECT_EQ(parser.next(input), Event::kHead);
  EXPECT_EQ(parser.next(input), Event::kBody);
  EXPECT_EQ(parser.next(input), Event::kComplete);
  EXPECT_FALSE(parser.keep_alive());
  EXPECT_EQ(input, "rest");
  EXPECT_EQ(parser.next(input), Event::kComplete);
  EXPECT_EQ(input, "rest");
}

TEST(ResponseParser, BodiesAreNotCopied) {
  ResponseParser parser(kLimits);
  const std::string_view answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
  std::string_view input = answer.substr(0, answer.size() - 3);
  ASSERT_EQ(parser.next(input), Event::kHead);
  ASSERT_EQ(parser.next(input), Event::kBody);
  EXPECT_EQ(parser.body(), "he");
  EXPECT_EQ(parser.body().data(), answer.data() + answer.size() - 5);
  ASSERT_EQ(parser.next(input), Event::kNeedMore);
  input = answer.substr(answer.size() - 3);
  ASSERT_EQ(parser.next(input), Event::kBody);
  EXPECT_EQ(parser.body(), "llo");
  EXPECT_EQ(parser.next(input), Event::kComplete);
}

TEST(ResponseParser, AnAnswerThatIsCutIsAnError) {
  const std::string cut = "error closed before the answer was complete\n";
  EXPECT_EQ(read("H"), cut);
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"), cut);
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nx"),
            "1.1 200 OK\nContent-Length: 2\nbody x\n" + cut);
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"),
            "1.1 200 OK\nTransfer-Encoding: chunked\nbody x\n" + cut);
  EXPECT_EQ(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"),
            "1.1 200 OK\nTransfer-Encoding: chunked\n" + cut);
}

TEST(ResponseParser, APeerThatSaysNothingIsToldFromOneThatStopsHalfway) {
  ResponseParser parser(kLimits);
  EXPECT_FALSE(parser.started());
  EXPECT_EQ(parser.finish(), Event::kError);
  EXPECT_EQ(parser.error(), "closed before an answer");
  EXPECT_EQ(parser.finish(), Event::kError);
}

TEST(ResponseParser, RefusesWhatIsNoAnswer) {
  for (const std::string_view input : {
           "SSH-2.0-OpenSSH_9.2\r\n",
           "HTTP/2.0 200 OK\r\n\r\n",
           "HTTP/1.2 200 OK\r\n\r\n",
           "HTTP/0.9 200 OK\r\n\r\n",
           "HTTP/1.1 20 OK\r\n\r\n",
           "HTTP/1.1 2000 OK\r\n\r\n",
           "HTTP/1.1 099 Low\r\n\r\n",
           "HTTP/1.1 OK\r\n\r\n",
           "HTTP/1.1 200 \x01\r\n\r\n",
           "HTTP/1.1 200 OK\r\nNo colon\r\n\r\n",
           "HTTP/1.1 200 OK\r\n: no name\r\n\r\n",
           "HTTP/1.1 200 OK\r\nSpace : x\r\n\r\n",
           "HTTP/1.1 200 OK\r\nX: a\x01\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       }) {
    const std::string text = read(input);
    EXPECT_TRUE(text.starts_with("error ")) << testing::PrintToString(input) << ": " << text;
  }
}

TEST(ResponseParser, RefusesChunksThatAreNone) {
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string_view body : {"x\r\n", "1\r\nab\r\n", "-1\r\n", "11111111111111111\r\n"}) {
    EXPECT_NE(read(head + std::string(body)).find("\nerror "), std::string::npos) << body;
  }
}

TEST(ResponseParser, HeadsHaveALimit) {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nX: y\r\n\r\n";
  const std::string answer = head + "z";
  EXPECT_TRUE(read(answer, {.head_bytes = head.size()}).ends_with("complete keep-alive\n"));
  EXPECT_EQ(read(answer, {.head_bytes = head.size() - 1}),
            "error the head of the answer is too large\n");
  const std::string interim = "HTTP/1.1 100 Continue\r\n\r\n";
  EXPECT_EQ(read(interim + interim + answer, {.head_bytes = 2 * interim.size()}),
            "error the head of the answer is too large\n");
}

TEST(ResponseParser, TrailersHaveALimit) {
  const std::string answer =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nNames: and values\r\n\r\n";
  EXPECT_TRUE(read(answer, {.trailer_bytes = 15}).ends_with("complete keep-alive\n"));
  EXPECT_TRUE(read(answer, {.trailer_bytes = 14})
                  .ends_with("error the trailer section of the answer is too large\n"));
}

TEST(ResponseParser, StaysInError) {
  ResponseParser parser(kLimits);
  std::string_view input = "what?";
  EXPECT_EQ(parser.next(input), Event::kError);
  const std::string_view error = parser.error();
  input = "HTTP/1.1 200 OK\r\n\r\n";
  EXPECT_EQ(parser.next(input), Event::kError);
  EXPECT_EQ(parser.finish(), Event::kError);
  EXPECT_EQ(parser.error(), error);
}

TEST(ResponseParser, ReadsTheFuzzCorpusTheSameInAllWays) {
  const std::size_t inputs = replay_corpus("response_head", [](const std::string& input) {
    ASSERT_FALSE(input.empty());
    // The first byte is the fuzz target's own.
    read(input.substr(1), kLimits, (input[0] & 1) != 0);
  });
  EXPECT_GE(inputs, 1U);
}

}  // namespace
}  // namespace forebay::http
