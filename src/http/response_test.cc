// Of tests/conformance/README.md: A22, A25 to A28, and B17.

#include "http/response.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "http/text.h"

namespace forebay::http {
namespace {

constexpr std::string_view kDate = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr RequestFacts kGet11{.is_head = false, .minor_version = 1, .keep_alive = true};
constexpr RequestFacts kGet10{.is_head = false, .minor_version = 0, .keep_alive = false};
constexpr RequestFacts kGet10KeepAlive{.is_head = false, .minor_version = 0, .keep_alive = true};
constexpr RequestFacts kHead11{.is_head = true, .minor_version = 1, .keep_alive = true};
constexpr std::nullopt_t kNone = std::nullopt;

struct FramingCase {
  std::string_view what;
  RequestFacts request;
  int status;
  std::optional<uint64_t> content_length;  // from the application
  std::optional<uint64_t> known_bytes;
  bool body_allowed;
  std::optional<uint64_t> sent_length;
  bool chunked;
  bool keep_alive;
};

constexpr FramingCase kFramingCases[] = {
    {"B17 length from the application", kGet11, 200, 5, kNone, true, 5, false, true},
    {"B17 length from the application, 1.0", kGet10, 200, 5, kNone, true, 5, false, false},
    {"B17 length from the application, 1.0 keep-alive", kGet10KeepAlive, 200, 5, kNone, true, 5,
     false, true},
    {"B17 whole body known", kGet11, 200, kNone, 5, true, 5, false, true},
    {"B17 empty body known", kGet11, 200, kNone, 0, true, 0, false, true},
    {"B17 whole body known, 1.0", kGet10KeepAlive, 200, kNone, 5, true, 5, false, true},
    {"B17 both agree", kGet11, 200, 5, 5, true, 5, false, true},
    {"B16 body longer than its length: cut", kGet11, 200, 5, 6, true, 5, false, true},
    {"B16 body shorter than its length", kGet11, 200, 5, 4, true, 5, false, false},
    {"B17 nothing known", kGet11, 200, kNone, kNone, true, kNone, true, true},
    {"B17 nothing known, 1.0", kGet10, 200, kNone, kNone, true, kNone, false, false},
    {"A26 never chunks for 1.0", kGet10KeepAlive, 200, kNone, kNone, true, kNone, false, false},
    {"A25 HEAD keeps the length", kHead11, 200, 5, kNone, false, 5, false, true},
    {"A25 HEAD keeps the length, body empty", kHead11, 200, 5, 0, false, 5, false, true},
    {"A25 HEAD has the length GET would have", kHead11, 200, kNone, 5, false, 5, false, true},
    {"A25 HEAD with an empty body says nothing", kHead11, 200, kNone, 0, false, kNone, false, true},
    {"A25 HEAD, nothing known", kHead11, 200, kNone, kNone, false, kNone, false, true},
    {"A25 304 keeps the length", kGet11, 304, 5, 0, false, 5, false, true},
    {"A25 304 without length", kGet11, 304, kNone, 0, false, kNone, false, true},
    {"A25 304, a body is not sent", kGet11, 304, kNone, 7, false, kNone, false, true},
    {"A25 204 has no length", kGet11, 204, 5, 5, false, kNone, false, true},
    {"A25 204, HEAD", kHead11, 204, 0, 0, false, kNone, false, true},
    {"A25 204, 1.0", kGet10KeepAlive, 204, kNone, kNone, false, kNone, false, true},
    {"A25 1xx has no length", kGet11, 103, 5, kNone, false, kNone, false, true},
    {"205 has an empty body", kGet11, 205, kNone, kNone, false, 0, false, true},
    {"errors are framed like the rest", kGet11, 500, kNone, kNone, true, kNone, true, true},
};

TEST(DecideFraming, A25_A26_B16_B17) {
  for (const FramingCase& c : kFramingCases) {
    const ResponseFraming framing =
        decide_framing(c.request, c.status, c.content_length, c.known_bytes);
    EXPECT_EQ(framing.body_allowed, c.body_allowed) << c.what;
    EXPECT_EQ(framing.content_length, c.sent_length) << c.what;
    EXPECT_EQ(framing.chunked, c.chunked) << c.what;
    EXPECT_EQ(framing.keep_alive, c.keep_alive) << c.what;
    EXPECT_FALSE(framing.chunked && framing.content_length) << c.what;
  }
}

TEST(DecideFraming, A22_ClosesWhenTheClientAskedForIt) {
  RequestFacts request = kGet11;
  request.keep_alive = false;
  for (const int status : {103, 200, 204, 304}) {
    EXPECT_FALSE(decide_framing(request, status, 5, kNone).keep_alive);
  }
}

std::string render(const RequestFacts& request, int status, std::string_view reason,
                   std::initializer_list<Field> fields, std::optional<uint64_t> known_bytes = {}) {
  std::string out;
  HeadWriter head(out, status, reason);
  for (const Field& field : fields)
    head.field(field.name, field.value);
  head.finish(decide_framing(request, status, head.content_length(), known_bytes), request, kDate);
  return out;
}

TEST(HeadWriter, AddsWhatTheApplicationDidNotSay) {
  EXPECT_EQ(render(kGet11, 200, "Fine",
                   {{"Content-Type", "a/b"}, {"Set-Cookie", "x"}, {"Set-Cookie", "y"}}, 5),
            "HTTP/1.1 200 Fine\r\nContent-Type: a/b\r\nSet-Cookie: x\r\nSet-Cookie: y\r\nServer: "
            "forebay\r\n"
            "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 5\r\n\r\n");
}

TEST(HeadWriter, LeavesTheApplicationItsDateAndServer) {
  EXPECT_EQ(
      render(kGet11, 404, "", {{"date", "then"}, {"SERVER", "mine"}}),
      "HTTP/1.1 404 Not Found\r\ndate: then\r\nSERVER: mine\r\nTransfer-Encoding: chunked\r\n\r\n");
}

TEST(HeadWriter, A22_SaysWhatBecomesOfTheConnection) {
  EXPECT_TRUE(render(kGet10, 200, "", {}).ends_with("Connection: close\r\n\r\n"));
  EXPECT_TRUE(render(kGet10KeepAlive, 200, "", {}, 5).ends_with("Connection: keep-alive\r\n\r\n"));
  EXPECT_TRUE(render(kGet10KeepAlive, 200, "", {}).ends_with("Connection: close\r\n\r\n"));
  EXPECT_FALSE(render(kGet11, 200, "", {}).contains("Connection"));
}

TEST(HeadWriter, A28_AnInterimHeadHasOnlyItsOwnFields) {
  EXPECT_EQ(render(kGet11, 103, "", {{"Link", "</a>"}}),
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
  EXPECT_EQ(render(kGet11, 100, "", {}), "HTTP/1.1 100 Continue\r\n\r\n");
}

TEST(HeadWriter, A26_A29_DropsFramingAndConnectionFieldsOfTheApplication) {
  std::string out;
  HeadWriter head(out, 200, "");
  for (const auto name : {"Transfer-Encoding", "transfer-encoding", "Connection", "Keep-Alive",
                          "TE", "Trailer", "Upgrade", "Proxy-Connection"}) {
    EXPECT_EQ(head.field(name, "chunked"), HeadWriter::Fate::kDropped) << name;
  }
  EXPECT_EQ(out, "HTTP/1.1 200 OK\r\n");
}

TEST(HeadWriter, ReadsContentLength) {
  std::string out;
  HeadWriter head(out, 200, "");
  EXPECT_EQ(head.content_length(), std::nullopt);
  EXPECT_EQ(head.field("content-length", " 12 "), HeadWriter::Fate::kTaken);
  EXPECT_EQ(head.content_length(), 12);
  EXPECT_EQ(head.field("Content-Length", "12"), HeadWriter::Fate::kInvalid);
  for (const auto value : {"", "+1", "-1", "1, 1", "1 1", "a", "0x1", "18446744073709551616"}) {
    HeadWriter other(out, 200, "");
    EXPECT_EQ(other.field("Content-Length", value), HeadWriter::Fate::kInvalid) << value;
  }
}

TEST(HeadWriter, A27_NothingOfARefusedHeadStaysInTheBuffer) {
  std::string out = "before";
  HeadWriter head(out, 200, "");
  EXPECT_EQ(head.field("X", "a"), HeadWriter::Fate::kTaken);
  EXPECT_EQ(head.field("X", "a\r\nSet-Cookie: b"), HeadWriter::Fate::kInvalid);
  head.cancel();
  EXPECT_EQ(out, "before");
}

TEST(ValidField, A27) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string c(1, static_cast<char>(byte));
    const bool control = (byte < 0x20 && byte != '\t') || byte == 0x7f;
    EXPECT_EQ(valid_field("X", "a" + c), !control) << byte;
    EXPECT_EQ(valid_reason("a" + c), !control) << byte;
    EXPECT_EQ(valid_field("X" + c, "a"), is_token_byte(c[0])) << byte;
  }
  EXPECT_FALSE(valid_field("", "a"));
  EXPECT_TRUE(valid_field("X", ""));
  EXPECT_TRUE(valid_reason(""));
}

TEST(ValidStatus, HasThreeDigits) {
  EXPECT_FALSE(valid_status(99));
  EXPECT_TRUE(valid_status(100));
  EXPECT_TRUE(valid_status(999));
  EXPECT_FALSE(valid_status(1000));
}

TEST(ChunkHead, IsTheSizeInHex) {
  EXPECT_EQ(ChunkHead(1).text(), "1\r\n");
  EXPECT_EQ(ChunkHead(0x1a2b).text(), "1a2b\r\n");
  EXPECT_EQ(ChunkHead(UINT64_MAX).text(), "ffffffffffffffff\r\n");
}

TEST(HttpDate, IsInTheFormOfTheRfc) {
  const auto date = [](int64_t seconds) {
    const HttpDate text = http_date(seconds);
    return std::string(text.data(), text.size());
  };
  EXPECT_EQ(date(784111777), kDate);
  EXPECT_EQ(date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(date(951827696), "Tue, 29 Feb 2000 12:34:56 GMT");
  EXPECT_EQ(date(4102444799), "Thu, 31 Dec 2099 23:59:59 GMT");
}

TEST(StatusReason, KnowsTheUsualWords) {
  EXPECT_EQ(status_reason(503), "Service Unavailable");
  EXPECT_EQ(status_reason(431), "Request Header Fields Too Large");
  EXPECT_EQ(status_reason(999), "Unknown");
}

}  // namespace
}  // namespace forebay::http
