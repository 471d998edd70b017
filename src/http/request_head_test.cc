// What a request head may look like: section A of tests/conformance/README.md, A9 to A18, A20, A22,
// A29, A30 and A32.

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "http/request_parser_test.h"

namespace forebay::http {
namespace {

using namespace std::string_view_literals;

std::string get(std::string_view fields) {
  return std::string("GET / HTTP/1.1\r\nHost: a\r\n").append(fields).append("\r\n");
}

std::string with_line(std::string_view request_line) {
  return std::string(request_line).append("\r\nHost: a\r\n\r\n");
}

std::string with_host(std::string_view host) {
  return std::string("GET / HTTP/1.1\r\nHost: ").append(host).append("\r\n\r\n");
}

TEST(RequestHead, PassesFieldsOnInOrderWithTheirRepeats) {
  EXPECT_EQ(
      parse(
          "GET /a/../%2F//b?c=d&e HTTP/1.1\r\nhOST: example.com:8000\r\nAccept:a\r\nCookie: x=1\r\n"
          "accept: \t b c\t \r\nX-Empty:\r\nCookie: y=2\r\n\r\n")
          .text,
      "GET /a/../%2F//b?c=d&e 1.1 keep-alive\nhOST: example.com:8000\nAccept: a\nCookie: x=1\n"
      "accept: b c\nX-Empty: \nCookie: y=2\ncomplete\nidle\n");
}

TEST(RequestHead, A9_RefusesSpaceBeforeTheColon) {
  for (const auto field :
       {"X : a", "X\t: a", "Content-Length : 3", "Transfer-Encoding : chunked", "X Y: a"}) {
    EXPECT_EQ(refused(get(std::string(field) + "\r\n")), 400) << field;
  }
}

TEST(RequestHead, A10_RefusesFoldedLines) {
  for (const auto fields : {"X: a\r\n b\r\n", "X: a\r\n\tb\r\n", "X:\r\n a\r\n", "X: a\r\n \r\n",
                            "X: a\r\n \r\n\r\n"}) {
    EXPECT_EQ(refused(get(fields)), 400) << fields;
  }
}

TEST(RequestHead, A11_TakesTokensForFieldNamesAndNothingElse) {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    // A colon ends the name: "X:Y: a" is the field X.
    const bool valid = is_token_byte(c) || c == ':';
    const std::string name = std::string("X") + c + "Y";
    EXPECT_EQ(refused(get(name + ": a\r\n")), valid ? 0 : 400) << byte;
    if (c != ':') EXPECT_EQ(refused(get(std::string(1, c) + ": a\r\n")), valid ? 0 : 400) << byte;
  }
  EXPECT_EQ(refused(get(": a\r\n")), 400);
  EXPECT_EQ(refused(get("X\r\n")), 400);
  EXPECT_EQ(refused(get("X-\xc3\xa9: a\r\n")), 400);
}

TEST(RequestHead, A12_RefusesControlsInValuesAndPassesTheRest) {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    EXPECT_EQ(refused(get(std::string("X: a") + c + "b\r\n")), is_text_byte(c) ? 0 : 400) << byte;
    EXPECT_EQ(refused(get(std::string("X: ") + c + "\r\n")), is_text_byte(c) ? 0 : 400) << byte;
  }
  EXPECT_EQ(parse(get("X: a\xc3\xa9\tb\r\n")).text,
            "GET / 1.1 keep-alive\nHost: a\nX: a\xc3\xa9\tb\ncomplete\nidle\n");
}

TEST(RequestHead, A13_NeedsCrlfAtTheEndOfEveryLine) {
  for (const auto request :
       {"GET / HTTP/1.1\nHost: a\r\n\r\n", "GET / HTTP/1.1\rHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\n", "GET / HTTP/1.1\r\nHost: a\r\n\rX: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: b\rContent-Length: 3\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX:\rY: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: b\nY: c\r\n\r\n", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n",
        "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\r\n"}) {
    EXPECT_EQ(refused(request), 400) << request;
  }
}

TEST(RequestHead, A14_SkipsAFewEmptyLinesBeforeARequest) {
  std::string lines;
  for (int count = 0; count <= 4; ++count, lines += "\r\n") {
    EXPECT_TRUE(accepted(lines + get(""))) << count;
    EXPECT_EQ(parse(lines).text, "idle\n");
    EXPECT_EQ(parse(lines + "\r").text, "idle\n");
  }
  EXPECT_EQ(refused(lines + get("")), 400);
}

TEST(RequestHead, A14_RefusesWhitespaceBeforeTheFirstField) {
  EXPECT_EQ(refused("GET / HTTP/1.1\r\n Host: a\r\n\r\n"), 400);
  EXPECT_EQ(refused("GET / HTTP/1.1\r\n\tHost: a\r\n\r\n"), 400);
  EXPECT_EQ(refused("GET / HTTP/1.1\r\n \r\nHost: a\r\n\r\n"), 400);
  EXPECT_EQ(refused(" GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
}

TEST(RequestHead, A15_NeedsExactlyOneHost) {
  EXPECT_EQ(refused("GET / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(refused("GET http://a/ HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(refused("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), 400);
  EXPECT_EQ(refused("GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n"), 400);
  EXPECT_EQ(refused("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"), 400);
  EXPECT_TRUE(accepted("GET / HTTP/1.0\r\n\r\n"));
}

TEST(RequestHead, A15_RefusesAnInvalidHost) {
  for (const auto host : {"a", "a.b", "a:1", "a:", "a:65535", "a_b", "127.0.0.1:80", "[::1]",
                          "[::1]:80", "%2Ftmp%2Fx.sock", "A-b.C"}) {
    EXPECT_EQ(refused(with_host(host)), 0) << host;
  }
  for (const auto host :
       {"",       "a b",     "a, b",  "a/b",      "a?b",      "a#b",     "u@a", "u:p@a",
        ":80",    "a:b",     "a:1:2", "a:123456", "a:-1",     "[::1",    "::1", "[]",
        "[::1]x", "[::1]:x", "[g]",   "[a]b:1",   "a]",       "a[",      "%",   "%2",
        "%zz",    "\"a\"",   "<a>",   "a\\b",     "\xc3\xa9", "http://a"}) {
    EXPECT_EQ(refused(with_host(host)), 400) << host;
  }
}

TEST(RequestHead, A15_AbsoluteFormOverridesHost) {
  EXPECT_EQ(parse("GET http://b:81/c?d HTTP/1.1\r\nX: 1\r\nHost: a\r\nY: 2\r\n\r\n").text,
            "GET /c?d 1.1 keep-alive\nX: 1\nHost: b:81\nY: 2\ncomplete\nidle\n");
  EXPECT_EQ(parse("GET HTTPS://b HTTP/1.0\r\n\r\n").text, "GET / 1.0\nHost: b\ncomplete\nidle\n");
  EXPECT_EQ(parse("GET http://b?c HTTP/1.1\r\nHost: a\r\n\r\n").text,
            "GET /?c 1.1 keep-alive\nHost: b\ncomplete\nidle\n");
}

TEST(RequestHead, A16_TakesTheFourFormsOfATarget) {
  for (const auto line : {"GET / HTTP/1.1", "GET //a HTTP/1.1", "GET /?http://b HTTP/1.1",
                          "GET /a|b^c{d}\"<>[]\\`e HTTP/1.1", "GET /\xc3\xa9 HTTP/1.1",
                          "OPTIONS * HTTP/1.1", "OPTIONS /a HTTP/1.1", "GET http://b/ HTTP/1.1"}) {
    EXPECT_EQ(refused(with_line(line)), 0) << line;
  }
}

TEST(RequestHead, A16_RefusesEveryOtherTarget) {
  for (const auto line :
       {"GET * HTTP/1.1",         "options * HTTP/1.1",       "OPTIONS ** HTTP/1.1",
        "OPTIONS *?a HTTP/1.1",   "GET a HTTP/1.1",           "GET a/b HTTP/1.1",
        "GET ?a HTTP/1.1",        "GET /a#b HTTP/1.1",        "GET http://b/#c HTTP/1.1",
        "GET # HTTP/1.1",         "GET a:80 HTTP/1.1",        "GET ftp://b/ HTTP/1.1",
        "GET http:/b HTTP/1.1",   "GET http:// HTTP/1.1",     "GET http:///a HTTP/1.1",
        "GET http://?a HTTP/1.1", "GET http://u@b/ HTTP/1.1", "GET http://b:x/ HTTP/1.1",
        "GET ://b/ HTTP/1.1",     "GET /\x7f HTTP/1.1",       "GET /\x01 HTTP/1.1",
        "GET \\a HTTP/1.1",       "CONNECT / HTTP/1.1",       "CONNECT http://a/ HTTP/1.1",
        "CONNECT a HTTP/1.1",     "CONNECT * HTTP/1.1",       "CONNECT a:x HTTP/1.1"}) {
    EXPECT_EQ(refused(with_line(line)), 400) << line;
  }
  EXPECT_EQ(refused(with_line("CONNECT a:80 HTTP/1.1")), 501);
}

TEST(RequestHead, A17_TakesAnyTokenForAMethod) {
  for (const auto method : {"GET", "get", "PURGE", "MKCOL", "FROB", "M-SEARCH", "!#$%&'*+-.^_`|~",
                            "PRI", "SOURCE", "connect"}) {
    EXPECT_EQ(parse(with_line(std::string(method) + " / HTTP/1.1")).text,
              std::string(method) + " / 1.1 keep-alive\nHost: a\ncomplete\nidle\n");
  }
  for (const auto method : {"", "G(T", "G:T", "G\tT", "G\xc3\xa9T", "G\"T", "[GET]", "GET,"}) {
    EXPECT_EQ(refused(with_line(std::string(method) + " / HTTP/1.1")), 400) << method;
  }
}

TEST(RequestHead, A17_TakesHttp10AndHttp11Only) {
  EXPECT_TRUE(accepted(with_line("GET / HTTP/1.0")));
  for (const auto version :
       {"HTTP/1.2", "HTTP/1.9", "HTTP/2.0", "HTTP/0.9", "HTTP/3.0", "HTTP/9.9", "HTTP/2.1"}) {
    EXPECT_EQ(refused(with_line("GET / " + std::string(version))), 505) << version;
  }
  for (const auto version :
       {"HTTP/1", "HTTP/1.", "HTTP/.1", "HTTP/11.1", "HTTP/1.10", "HTTP/01.1", "http/1.1",
        "Http/1.1", "HTTP1.1", "HTTP /1.1", "HTTP/ 1.1", "HTTP/1.1 ", "HTTP/1,1", "HTTP/a.b",
        "HTTP/+1.1", "HTTPS/1.1", "ICE/1.0", ""}) {
    EXPECT_EQ(refused(with_line("GET / " + std::string(version))), 400) << version;
  }
}

TEST(RequestHead, A17_NeedsSingleSpacesInTheRequestLine) {
  for (const auto line : {"GET  / HTTP/1.1", "GET /  HTTP/1.1", "GET\t/ HTTP/1.1",
                          "GET /\tHTTP/1.1", "GET / HTTP/1.1 ", "GET / a HTTP/1.1", "GET /", "GET",
                          "GET ", "GET  HTTP/1.1", " / HTTP/1.1", "/ HTTP/1.1", "GET/ HTTP/1.1"}) {
    EXPECT_EQ(refused(with_line(line)), 400) << line;
  }
}

TEST(RequestHead, A18_RefusesTwoContentTypes) {
  EXPECT_EQ(refused(get("Content-Type: a/b\r\n")), 0);
  EXPECT_EQ(refused(get("Content-Type: a/b\r\ncontent-type: a/b\r\n")), 400);
}

TEST(RequestHead, A20_KnowsOneExpectation) {
  const auto post = [](std::string_view fields, std::string_view version = "1.1") {
    return std::string("POST / HTTP/")
        .append(version)
        .append("\r\nHost: a\r\n")
        .append(fields)
        .append("\r\n");
  };
  const auto expects = [&](const std::string& request) {
    return parse(request).text.contains(" continue\n");
  };
  EXPECT_TRUE(expects(post("Content-Length: 1\r\nExpect: 100-Continue\r\n")));
  EXPECT_TRUE(
      expects(post("Expect: 100-continue, 100-continue\r\nTransfer-Encoding: chunked\r\n")));
  EXPECT_FALSE(expects(post("Content-Length: 0\r\nExpect: 100-continue\r\n")));
  EXPECT_FALSE(expects(post("Expect: 100-continue\r\n")));
  EXPECT_FALSE(expects(post("Content-Length: 1\r\nExpect: 100-continue\r\n", "1.0")));
  EXPECT_EQ(refused(post("Expect: 200-ok\r\n")), 417);
  EXPECT_EQ(refused(post("Expect: 100-continue, x\r\n")), 417);
  EXPECT_EQ(refused(post("Expect: 100-continue\r\nExpect: x\r\n")), 417);
}

TEST(RequestHead, A22_KnowsWhetherTheConnectionStays) {
  struct Case {
    bool keep_alive;
    int minor_version;
    std::string_view connection;
  };
  static constexpr Case kCases[] = {
      {true, 1, ""},
      {true, 1, "keep-alive"},
      {true, 1, "x"},
      {false, 1, "close"},
      {false, 1, "Close"},
      {false, 1, "x, CLOSE"},
      {false, 1, "keep-alive, close"},
      {false, 1, ",close,"},
      {false, 1, "close\r\nConnection: keep-alive"},
      {true, 1, "closed"},
      {true, 1, "not close"},
      {false, 0, ""},
      {false, 0, "x"},
      {true, 0, "keep-alive"},
      {true, 0, "Keep-Alive, x"},
      {false, 0, "close"},
      {false, 0, "close, keep-alive"},
  };
  for (const Case& c : kCases) {
    const std::string request = "GET / HTTP/1." + std::to_string(c.minor_version) +
                                "\r\nHost: a\r\nConnection: " + std::string(c.connection) +
                                "\r\n\r\n";
    EXPECT_EQ(parse(request).text.contains(" keep-alive\n"), c.keep_alive) << request;
  }
}

TEST(RequestHead, A29_KeepsConnectionLevelFieldsToItself) {
  EXPECT_EQ(parse(get("Connection: Foo, te\r\nKeep-Alive: 5\r\nTE: trailers\r\nTrailer: "
                      "x\r\nProxy-Connection: close\r\n"
                      "Upgrade: h2c\r\nfoo: 1\r\nFoo: 2\r\nFoot: 3\r\n"))
                .text,
            "GET / 1.1 keep-alive\nHost: a\nFoot: 3\ncomplete\nidle\n");
  EXPECT_EQ(parse("GET / HTTP/1.1\r\nFoo: 1\r\nHost: a\r\nConnection: foo\r\n\r\n").text,
            "GET / 1.1 keep-alive\nHost: a\ncomplete\nidle\n");
}

TEST(RequestHead, A29_ConnectionCannotHideWhatTheMessageIs) {
  EXPECT_EQ(parse("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Type: b/c\r\n"
                  "Connection: host, content-length, Content-Type, transfer-encoding\r\n\r\nx")
                .text,
            "POST / 1.1 length=1 keep-alive\nHost: a\nContent-Length: 1\nContent-Type: b/c\nbody "
            "x\ncomplete\nidle\n");
}

TEST(RequestHead, A29_BoundsWhatConnectionNames) {
  std::string options = "x";
  for (int count = 1; count < 16; ++count)
    options += ",x";
  EXPECT_EQ(refused(get("Connection: " + options + "\r\n")), 0);
  EXPECT_EQ(refused(get("Connection: " + options + ",x\r\n")), 400);
}

TEST(RequestHead, A30_AnswersTheHttp2PrefaceWith505) {
  EXPECT_EQ(refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505);
  EXPECT_EQ(refused("\x16\x03\x01\x02"sv), 400);  // TLS
}

TEST(RequestHead, A30_ReadsOnAsHttpAfterAnUpgrade) {
  const std::string request =
      "GET /a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
  EXPECT_EQ(parse(request + "\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n").text,
            "GET /a 1.1 keep-alive upgrade=websocket\nHost: a\ncomplete\n"
            "GET /b 1.1 keep-alive\nHost: a\ncomplete\nidle\n");
  EXPECT_EQ(parse(request + "Content-Length: 2\r\n\r\nxyGET /b HTTP/1.1\r\nHost: a\r\n\r\n").text,
            "GET /a 1.1 length=2 keep-alive upgrade=websocket\nHost: a\nContent-Length: 2\nbody "
            "xy\ncomplete\n"
            "GET /b 1.1 keep-alive\nHost: a\ncomplete\nidle\n");
  EXPECT_FALSE(parse(get("Upgrade: websocket\r\n")).text.contains("upgrade="));
  EXPECT_FALSE(parse("GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
                   .text.contains("upgrade="));
}

TEST(RequestHead, A32_DropsRefusesOrPassesNamesWithAnUnderscore) {
  const std::string request = get("X_Foo: 1\r\nX-Foo: 2\r\nContent_Length: 3\r\n");
  EXPECT_EQ(parse(request).text, "GET / 1.1 keep-alive\nHost: a\nX-Foo: 2\ncomplete\nidle\n");
  RequestLimits limits;
  limits.underscore_names = UnderscoreNames::kRefuse;
  EXPECT_EQ(refused(request, limits), 400);
  limits.underscore_names = UnderscoreNames::kPass;
  EXPECT_EQ(
      parse(request, limits).text,
      "GET / 1.1 keep-alive\nHost: a\nX_Foo: 1\nX-Foo: 2\nContent_Length: 3\ncomplete\nidle\n");
}

}  // namespace
}  // namespace forebay::http
