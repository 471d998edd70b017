// How the end of a request is found: section A of tests/conformance/README.md, A1 to A8 and A24.

#include <array>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "http/request_parser_test.h"

namespace forebay::http {
namespace {

std::string post(std::string_view fields, std::string_view body = "") {
  return std::string("POST / HTTP/1.1\r\nHost: a\r\n").append(fields).append("\r\n").append(body);
}

std::string chunked(std::string_view body) { return post("Transfer-Encoding: chunked\r\n", body); }

// A refusal in the body comes after the head, and before the request is complete.
int refused_body(std::string_view body, const RequestLimits& limits = {}) {
  const Outcome outcome = parse(chunked(body), limits);
  EXPECT_EQ(outcome.heads, 1);
  EXPECT_EQ(outcome.completed, 0) << outcome.text;
  return outcome.status;
}

TEST(RequestFraming, A1_RefusesTransferEncodingTogetherWithContentLength) {
  EXPECT_EQ(refused(post("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "0\r\n\r\n")), 400);
  EXPECT_EQ(refused(post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "abc")), 400);
  EXPECT_EQ(refused(post("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")), 400);
  EXPECT_EQ(refused(post("Content-Length: 3\r\nTransfer-Encoding: gzip\r\n", "abc")), 400);
  EXPECT_EQ(refused(post("Content-Length: 3\r\nTransfer-Encoding:\r\n", "abc")), 400);
}

TEST(RequestFraming, A2_RefusesTransferEncodingInHttp10) {
  EXPECT_EQ(refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400);
  EXPECT_EQ(refused("POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: gzip\r\n\r\n"),
            400);
}

TEST(RequestFraming, A3_TakesChunkedInAnyCase) {
  for (const std::string_view coding : {"chunked", "Chunked", "CHUNKED", " chunked  "}) {
    EXPECT_TRUE(accepted(post("Transfer-Encoding:" + std::string(coding) + "\r\n", "0\r\n\r\n")))
        << coding;
  }
}

TEST(RequestFraming, A3_RefusesEveryOtherTransferEncoding) {
  struct Case {
    int status;
    std::string_view codings;
  };
  static constexpr Case kCases[] = {
      {400, ""},
      {400, "xchunked"},
      {400, "chunkedx"},
      {400, "chunke"},
      {400, "\"chunked\""},
      {400, "chunked;q=1"},
      {400, "chunked,"},
      {400, "chunked ,"},
      {400, ",chunked"},
      {400, ", chunked"},
      {400, ",,chunked"},
      {400, "chunked, chunked"},
      {400, "chunked,chunked"},
      {400, "chunked, identity"},
      {400, "chunked, gzip"},
      {400, "chunked gzip"},
      {400, "chunked chunked"},
      {400, "chunked;gzip"},
      {400, "gzip,, chunked"},
      {400, "gzip"},
      {400, "identity"},
      {400, "chunked\r\nTransfer-Encoding: chunked"},
      {400, "chunked\r\nTransfer-Encoding: identity"},
      {400, "chunked\r\ntransfer-encoding: gzip"},
      {400, "chunked\r\nTransfer-Encoding:"},
      {400, "\vchunked"},
      {400, "chunked\x0c"},
      {400, "\r\n chunked"},
      {400, "\xc4\x89hunked"},
      {501, "gzip, chunked"},
      {501, "gzip,chunked"},
      {501, "frob, chunked"},
      {501, "identity, chunked"},
      {501, "gzip\r\nTransfer-Encoding: chunked"},
  };
  for (const Case& c : kCases) {
    const std::string field = "Transfer-Encoding: " + std::string(c.codings) + "\r\n";
    EXPECT_EQ(refused(post(field, "0\r\n\r\n")), c.status) << c.codings;
  }
}

TEST(RequestFraming, A3_DoesNotTakeALookalikeForTransferEncoding) {
  // The name is another one, so there is no body; what follows must not be read as chunks.
  for (const std::string_view name :
       {"Transfer_Encoding", "Transfer.Encoding", "Transfer-Encodin", "X-Transfer-Encoding"}) {
    EXPECT_TRUE(accepted(post(std::string(name) + ": chunked\r\n"))) << name;
  }
}

TEST(RequestFraming, A4_TakesContentLengthInDigits) {
  EXPECT_EQ(
      parse(post("Content-Length: 3\r\n", "abc")).text,
      "POST / 1.1 length=3 keep-alive\nHost: a\nContent-Length: 3\nbody abc\ncomplete\nidle\n");
  EXPECT_TRUE(accepted(post("Content-Length: 003\r\n", "abc")));
  EXPECT_TRUE(accepted(post("Content-Length:3 \r\n", "abc")));
  EXPECT_TRUE(accepted(post("cONTENT-lENGTH: 0\r\n")));
}

TEST(RequestFraming, A4_RefusesEveryOtherContentLength) {
  for (const std::string_view length : {"",
                                        " ",
                                        ",",
                                        "+3",
                                        "-3",
                                        "-0",
                                        "3,",
                                        "3, 3",
                                        "3,3",
                                        "3, 4",
                                        "3 3",
                                        "0x3",
                                        "3a",
                                        "a",
                                        "3.0",
                                        "3e1",
                                        "\"3\"",
                                        "3;",
                                        "18446744073709551616",
                                        "99999999999999999999999",
                                        "\xd9\xa3",
                                        "\v3",
                                        "3\r\n 3",
                                        "\r\n 3"}) {
    EXPECT_EQ(refused(post("Content-Length: " + std::string(length) + "\r\n", "abc")), 400)
        << length;
  }
  EXPECT_EQ(refused(post("Content-Length: 3\r\nContent-Length: 3\r\n", "abc")), 400);
  EXPECT_EQ(refused(post("Content-Length: 3\r\ncontent-length: 4\r\n", "abcd")), 400);
  EXPECT_EQ(refused(post("Content-Length: 0\r\nContent-Length: 0\r\n")), 400);
  EXPECT_EQ(refused(post("Content-Length: 18446744073709551615\r\n")), 413);
}

TEST(RequestFraming, A4_DoesNotTakeALookalikeForContentLength) {
  for (const std::string_view name :
       {"Content_Length", "Content.Length", "ContentLength", "Content-Lengt"}) {
    EXPECT_TRUE(accepted(post(std::string(name) + ": 3\r\n"))) << name;
  }
  EXPECT_EQ(refused(post("Content\rLength: 3\r\n", "abc")), 400);
}

// Legal, but nobody sends it, and servers differ on it.
TEST(RequestFraming, A3_A4_RefusesATabAfterAFramingValue) {
  for (const std::string_view field : {"Transfer-Encoding: chunked\t", "Content-Length: 3\t"}) {
    EXPECT_EQ(refused(post(std::string(field) + "\r\n", "abc")), 400) << field;
  }
}

TEST(RequestFraming, A5_TakesChunkSizesInHex) {
  EXPECT_EQ(parse(chunked("3\r\nabc\r\n0\r\n\r\n")).text,
            "POST / 1.1 chunked keep-alive\nHost: a\nbody abc\ncomplete\nidle\n");
  for (const std::string_view body :
       {"A\r\n0123456789\r\n0\r\n\r\n", "a\r\n0123456789\r\n0\r\n\r\n",
        "0000000000000000000000003\r\nabc\r\n000\r\n\r\n", "0\r\n\r\n",
        "1\r\n\r\r\n1\r\n\n\r\n0\r\n\r\n", "1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"}) {
    EXPECT_TRUE(accepted(chunked(body))) << body;
  }
}

TEST(RequestFraming, A5_RefusesEveryOtherChunkSize) {
  for (const std::string_view size : {"",
                                      " ",
                                      "+3",
                                      "-3",
                                      "-0",
                                      "0x3",
                                      "0X3",
                                      "3 ",
                                      " 3",
                                      "\t3",
                                      "3\t",
                                      "3_0",
                                      "_3",
                                      "3g",
                                      "g",
                                      "3,",
                                      "3.0",
                                      "3 3",
                                      "\"3\"",
                                      "10000000000000000",
                                      "fffffffffffffffff",
                                      "\xd9\xa3",
                                      ";a"}) {
    EXPECT_EQ(refused_body(std::string(size) + "\r\nabc\r\n0\r\n\r\n"), 400) << size;
  }
  EXPECT_EQ(refused_body("ffffffffffffffff\r\n"), 413);
}

TEST(RequestFraming, A6_IgnoresChunkExtensions) {
  for (const std::string_view extension :
       {";", ";a", ";a=b", ";a=\"b;c\"", "; a", R"(;a;b="\"")", ";\xc3\xa9", ";=,:"}) {
    const std::string body =
        "3" + std::string(extension) + "\r\nabc\r\n0" + std::string(extension) + "\r\n\r\n";
    EXPECT_TRUE(accepted(chunked(body))) << extension;
  }
}

TEST(RequestFraming, A6_RefusesControlsInChunkExtensions) {
  using namespace std::string_view_literals;
  for (const std::string_view extension :
       {";a\nb"sv, ";a\rb"sv, ";a\r"sv, ";\n"sv, ";\0"sv, ";\x7f"sv, ";a=\"\n\""sv}) {
    EXPECT_EQ(refused_body("3" + std::string(extension) + "\r\nabc\r\n0\r\n\r\n"), 400)
        << extension;
  }
}

TEST(RequestFraming, A6_BoundsChunkSizeLines) {
  RequestLimits limits;
  limits.chunk_line_bytes = 16;
  const auto body = [](size_t line_bytes) {
    return "3;" + std::string(line_bytes - 2, 'x') + "\r\nabc\r\n0\r\n\r\n";
  };
  EXPECT_TRUE(accepted(chunked(body(16)), limits));
  EXPECT_EQ(refused_body(body(17), limits), 400);
  EXPECT_EQ(refused_body(std::string(17, '0'), limits), 400);
}

TEST(RequestFraming, A7_NeedsCrlfAfterEveryChunk) {
  for (const std::string_view body :
       {"3\r\nabcXX0\r\n\r\n", "3\r\nabc\n0\r\n\r\n", "3\r\nabc\r0\r\n\r\n",
        "3\r\nabcd\r\n0\r\n\r\n", "3\r\nabc0\r\n\r\n", "3\nabc\r\n0\r\n\r\n", "3\r\nabc\r\n0\n\r\n",
        "3\r\nabc\r\n0\r\n\n", "3\r\nabc\r\n0\r\n\r\r\n", "3\r\nabc\r\n\r\n0\r\n\r\n"}) {
    EXPECT_EQ(refused_body(body), 400) << body;
  }
}

TEST(RequestFraming, A7_A24_IsNotCompleteBeforeItsLastByte) {
  for (const std::string& request :
       {chunked("3\r\nabc\r\n0\r\n\r\n"), chunked("0\r\n\r\n"), chunked("0\r\nA: b\r\n\r\n"),
        post("Content-Length: 3\r\n", "abc")}) {
    for (size_t size = 1; size < request.size(); ++size) {
      const Outcome outcome = parse(request.substr(0, size));
      EXPECT_EQ(outcome.completed, 0);
      EXPECT_TRUE(outcome.text.ends_with("unfinished\n")) << outcome.text;
    }
    EXPECT_TRUE(accepted(request));
  }
}

TEST(RequestFraming, A8_DropsTrailers) {
  EXPECT_EQ(parse(chunked("0\r\nX-Checksum: 1\r\nX-Other: 2\r\n\r\n")).text,
            "POST / 1.1 chunked keep-alive\nHost: a\ncomplete\nidle\n");
}

TEST(RequestFraming, A8_RefusesTrailersThatWouldMeanSomething) {
  for (const std::string_view name : {"Transfer-Encoding",
                                      "Content-Length",
                                      "Host",
                                      "host",
                                      "Connection",
                                      "Trailer",
                                      "TE",
                                      "Keep-Alive",
                                      "Upgrade",
                                      "Authorization",
                                      "Proxy-Authorization",
                                      "Cookie",
                                      "Set-Cookie",
                                      "Content-Type",
                                      "Content-Encoding",
                                      "Content-Range",
                                      "Expect",
                                      "Range",
                                      "If-Match",
                                      "X-Forwarded-For",
                                      "X-Forwarded-Proto",
                                      "Forwarded",
                                      "Cache-Control"}) {
    EXPECT_EQ(refused_body("0\r\n" + std::string(name) + ": 1\r\n\r\n"), 400) << name;
  }
}

TEST(RequestFraming, A8_RefusesMalformedTrailers) {
  for (const std::string_view trailers :
       {"A: b\r\n c\r\n", " A: b\r\n", "A : b\r\n", ": b\r\n", "A\r\n", "A: b\n", "A: \x01\r\n"}) {
    EXPECT_EQ(refused_body("0\r\n" + std::string(trailers) + "\r\n"), 400) << trailers;
  }
}

TEST(RequestFraming, A8_BoundsTrailers) {
  RequestLimits limits;
  limits.trailer_bytes = 40;
  limits.fields = 3;
  EXPECT_TRUE(accepted(chunked("0\r\nA: " + std::string(37, 'x') + "\r\n\r\n"), limits));
  EXPECT_EQ(refused_body("0\r\nA: " + std::string(38, 'x') + "\r\n\r\n", limits), 431);
  EXPECT_TRUE(accepted(chunked("0\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n"), limits));
  EXPECT_EQ(refused_body("0\r\nA: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n\r\n", limits), 431);
}

}  // namespace
}  // namespace forebay::http
