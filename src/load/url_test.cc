#include "load/url.h"

#include <gtest/gtest.h>

namespace forebay::load {
namespace {

TEST(Url, IsTakenApart) {
  EXPECT_EQ(parse_url("http://localhost:6789/"), (Url{false, "localhost", 6789, "/", ""}));
  EXPECT_EQ(parse_url("https://example.org"), (Url{true, "example.org", 443, "/", ""}));
  EXPECT_EQ(parse_url("HTTP://Example.org?q=1#part"), (Url{false, "Example.org", 80, "/?q=1", ""}));
  EXPECT_EQ(parse_url("http://a:/x?"), (Url{false, "a", 80, "/x?", ""}));
  EXPECT_EQ(parse_url("http://[::1]:8080/a/b?c#d"), (Url{false, "::1", 8080, "/a/b?c", ""}));
  EXPECT_EQ(parse_url("https://[2001:db8::1]"), (Url{true, "2001:db8::1", 443, "/", ""}));
}

TEST(Url, TurnsTheUserIntoAHeader) {
  EXPECT_EQ(parse_url("http://Aladdin:open%20sesame@h/")->authorization,
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");  // RFC 7617 section 2
  EXPECT_EQ(parse_url("http://me@h/")->authorization, "Basic bWU6");
  EXPECT_EQ(parse_url("http://a@b:c@h/")->host, "h");
}

TEST(Url, EncodesWhatARequestLineCannotCarry) {
  EXPECT_EQ(parse_url("http://h/a b?c d")->target, "/a%20b?c%20d");
  EXPECT_EQ(parse_url("http://h/\u00e9")->target, "/%C3%A9");
  EXPECT_EQ(parse_url("http://h/%7e|{x}")->target, "/%7e|{x}");
}

TEST(Url, HasAnAuthorityForTheHostHeader) {
  EXPECT_EQ(parse_url("http://h:80/")->authority(), "h");
  EXPECT_EQ(parse_url("https://h:80/")->authority(), "h:80");
  EXPECT_EQ(parse_url("http://[::1]:8080/")->authority(), "[::1]:8080");
  EXPECT_EQ(parse_url("https://[::1]/")->authority(), "[::1]");
}

TEST(Url, RefusesWhatIsNone) {
  for (const char* text : {"",
                           "/",
                           "localhost",
                           "localhost:80",
                           "http:",
                           "http:/x",
                           "http://",
                           "http:///x",
                           "http://:80/",
                           "ftp://h/",
                           "//h/",
                           "http://h:0/",
                           "http://h:65536/",
                           "http://h:x/",
                           "http://h:80:80/",
                           "http://[::1/",
                           "http://[",
                           "http://[]/",
                           "http://[::1]x/",
                           "http://[h]/",
                           "http://a b/",
                           "http://h\n/",
                           "http://h/\x7f",
                           "http://h\u00e9/",
                           "http://me@/",
                           "http://h:-1/"}) {
    EXPECT_FALSE(parse_url(text).has_value()) << text;
  }
}

// RFC 3986 section 5.4, all of it.
TEST(Url, ResolvesTheExamplesOfItsRfc) {
  const std::pair<const char*, const char*> examples[] = {
      {"g:h", "g:h"},
      {"g", "http://a/b/c/g"},
      {"./g", "http://a/b/c/g"},
      {"g/", "http://a/b/c/g/"},
      {"/g", "http://a/g"},
      {"//g", "http://g"},
      {"?y", "http://a/b/c/d;p?y"},
      {"g?y", "http://a/b/c/g?y"},
      {"#s", "http://a/b/c/d;p?q#s"},
      {"g#s", "http://a/b/c/g#s"},
      {"g?y#s", "http://a/b/c/g?y#s"},
      {";x", "http://a/b/c/;x"},
      {"g;x", "http://a/b/c/g;x"},
      {"g;x?y#s", "http://a/b/c/g;x?y#s"},
      {"", "http://a/b/c/d;p?q"},
      {".", "http://a/b/c/"},
      {"./", "http://a/b/c/"},
      {"..", "http://a/b/"},
      {"../", "http://a/b/"},
      {"../g", "http://a/b/g"},
      {"../..", "http://a/"},
      {"../../", "http://a/"},
      {"../../g", "http://a/g"},
      {"../../../g", "http://a/g"},
      {"../../../../g", "http://a/g"},
      {"/./g", "http://a/g"},
      {"/../g", "http://a/g"},
      {"g.", "http://a/b/c/g."},
      {".g", "http://a/b/c/.g"},
      {"g..", "http://a/b/c/g.."},
      {"..g", "http://a/b/c/..g"},
      {"./../g", "http://a/b/g"},
      {"./g/.", "http://a/b/c/g/"},
      {"g/./h", "http://a/b/c/g/h"},
      {"g/../h", "http://a/b/c/h"},
      {"g;x=1/./y", "http://a/b/c/g;x=1/y"},
      {"g;x=1/../y", "http://a/b/c/y"},
      {"g?y/./x", "http://a/b/c/g?y/./x"},
      {"g?y/../x", "http://a/b/c/g?y/../x"},
      {"g#s/./x", "http://a/b/c/g#s/./x"},
      {"g#s/../x", "http://a/b/c/g#s/../x"},
      {"http:g", "http:g"},
  };
  for (const auto& [reference, target] : examples)
    EXPECT_EQ(resolve_url("http://a/b/c/d;p?q", reference), target) << reference;
}

TEST(Url, ResolvesAgainstAnEmptyPath) {
  EXPECT_EQ(resolve_url("http://h:8080", "login?next=/"), "http://h:8080/login?next=/");
  EXPECT_EQ(resolve_url("http://h", ".."), "http://h/");
}

}  // namespace
}  // namespace forebay::load
