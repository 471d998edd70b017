#include "doctor/nginx_config.h"

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "base/temporary_directory_test.h"

namespace forebay::doctor {
namespace {

namespace fs = std::filesystem;

std::string why(std::string_view text) {
  const auto directives = parse_directives(text, "f");
  return directives ? "" : directives.error().message;
}

TEST(NginxParser, ReadsWordsQuotesBlocksAndComments) {
  const auto directives = parse_directives(
      "a 1; # comment; with }\n"
      "b \"two words;\" 'x\\'y' ${name} {\n  c;\n}\n",
      "f");
  ASSERT_TRUE(directives) << directives.error().message;
  ASSERT_EQ(directives->size(), 2U);
  EXPECT_EQ((*directives)[1].words,
            (std::vector<std::string>{"b", "two words;", "x'y", "${name}"}));
  EXPECT_EQ((*directives)[1].where, "f:2");
  EXPECT_EQ((*directives)[1].block[0].where, "f:3");
}

TEST(NginxParser, LuaIsSkipped) {
  const auto directives =
      parse_directives("content_by_lua_block { if x then f({1}) end -- it's\n } b 1;", "f");
  ASSERT_TRUE(directives) << directives.error().message;
  EXPECT_EQ((*directives)[1].words[0], "b");
}

TEST(NginxParser, SaysWhereItMakesNoSense) {
  EXPECT_EQ(why("a\nb"), "f:2: a directive is not ended by ;");
  EXPECT_EQ(why("\na { b;"), "f:2: a block is not closed");
  EXPECT_EQ(why("}"), "f:1: a } too many");
  EXPECT_EQ(why("a \"b"), "f:1: a quote is not closed");
  EXPECT_EQ(why("a }"), "f:1: unexpected }");
  EXPECT_EQ(why(";"), "f:1: unexpected ;");
  EXPECT_EQ(why("{"), "f:1: unexpected {");
  EXPECT_EQ(why("x_by_lua_block {"), "f:1: a block of Lua is not closed");
  EXPECT_EQ(why("a \\"), "f:1: a directive is not ended by ;");
}

TEST(NginxParser, NestingHasALimit) {
  std::string deep;
  std::string end;
  for (int i = 0; i < 32; ++i) {
    deep += "a {";
    end += "}";
  }
  EXPECT_EQ(why(deep + end), "");
  EXPECT_EQ(why("a {" + deep + end + "}"), "f:1: blocks are nested too deeply");
}

TEST(NginxTime, HasUnits) {
  EXPECT_EQ(parse_nginx_time("60"), 60);
  EXPECT_EQ(parse_nginx_time("90s"), 90);
  EXPECT_EQ(parse_nginx_time("1m30s"), 90);
  EXPECT_EQ(parse_nginx_time("1h 1m"), 3660);
  EXPECT_EQ(parse_nginx_time("500ms"), 0.5);
  for (const char* text : {"", "s", "-1", "1x", "99999999999999"}) {
    EXPECT_FALSE(parse_nginx_time(text)) << text;
  }
}

class NginxConfigTest : public testing::Test {
 protected:
  void write(const std::string& name, std::string_view text) {
    fs::create_directories((directory_ / name).parent_path());
    std::ofstream(directory_ / name) << text;
  }
  NginxConfig read() {
    return read_nginx_config(FileTree::of(::getpid()), directory_ / "nginx.conf");
  }

  TemporaryDirectory directory_;
};

TEST_F(NginxConfigTest, RoutesFollowUpstreamsIncludesAndInheritedTimeouts) {
  write("nginx.conf", "http { proxy_read_timeout 10s; include sites/*.conf; }");
  write("sites/b.conf",
        "upstream app { server unix:/run/g.sock fail_timeout=0; server 10.0.0.1; }");
  write("sites/a.conf",
        "server { location / { proxy_pass http://app/x; }\n"
        "location /slow { proxy_pass http://127.0.0.1:8000; proxy_read_timeout 2m; }\n"
        "location /u { uwsgi_pass unix:/run/u.sock; }\n"
        "location /p { proxy_pass http://unix:/run/p.sock:/path; proxy_connect_timeout 1; } }");
  const NginxConfig config = read();
  ASSERT_EQ(config.routes.size(), 5U);
  EXPECT_EQ(config.routes[0].upstream, "unix:/run/g.sock");
  EXPECT_EQ(config.routes[0].read_timeout_seconds, 10);
  EXPECT_EQ(config.routes[0].where, (directory_ / "sites/a.conf").string() + ":1");
  EXPECT_EQ(config.routes[1].upstream, "10.0.0.1:80");
  EXPECT_EQ(config.routes[2].upstream, "127.0.0.1:8000");
  EXPECT_EQ(config.routes[2].read_timeout_seconds, 120);
  EXPECT_EQ(config.routes[3].upstream, "unix:/run/u.sock");
  EXPECT_EQ(config.routes[3].read_timeout_seconds, 60);
  EXPECT_EQ(config.routes[4].upstream, "unix:/run/p.sock");
  EXPECT_EQ(config.routes[4].connect_timeout_seconds, 1);
  EXPECT_TRUE(config.unseen.empty());
}

TEST_F(NginxConfigTest, ServersThatAreDownGetNoRequests) {
  write("nginx.conf",
        "http { upstream a { server 127.0.0.1:1; server 127.0.0.1:2 weight=3 down; }\n"
        "upstream b { server 127.0.0.1:3 down; }\n"
        "server { location / { proxy_pass http://a; } location /b { proxy_pass http://b; } } }");
  const NginxConfig config = read();
  ASSERT_EQ(config.routes.size(), 1U);
  EXPECT_EQ(config.routes[0].upstream, "127.0.0.1:1");
}

TEST_F(NginxConfigTest, HasALimitAndSaysSo) {
  std::string servers;
  std::string locations;
  for (int i = 0; i < 5000; ++i) {
    servers += "server unix:/run/" + std::to_string(i) + ";";
    locations += "location /" + std::to_string(i) + " { proxy_pass http://a; }";
  }
  write("nginx.conf", "http { upstream a {" + servers + "} server {" + locations + "} }");
  const NginxConfig config = read();
  EXPECT_EQ(config.routes.size(), 1000U);
  ASSERT_EQ(config.unseen.size(), 1U);
  EXPECT_NE(config.unseen[0].find("too many addresses"), std::string::npos);
}

TEST_F(NginxConfigTest, TheBacklogOfAnAddressMayStandInAnyOfItsServers) {
  write("nginx.conf",
        "http { server { listen 80; } server { listen *:80 backlog=4096; } server { listen 80; }\n"
        "server { listen [::]:8080; listen unix:/run/n.sock; listen localhost:81; } }");
  const NginxConfig config = read();
  ASSERT_EQ(config.listens.size(), 4U);
  EXPECT_EQ(config.listens[0].address, "0.0.0.0:80");
  EXPECT_EQ(config.listens[0].backlog, 4096U);
  EXPECT_EQ(config.listens[1].address, "[::]:8080");
  EXPECT_EQ(config.listens[1].backlog, 511U);
  EXPECT_EQ(config.listens[2].address, "unix:/run/n.sock");
  EXPECT_EQ(config.listens[3].address, "127.0.0.1:81");
}

TEST_F(NginxConfigTest, WhatIsMissingIsNotWhatIsHidden) {
  write("there", "");
  const FileTree files = FileTree::of(::getpid());
  EXPECT_FALSE(files.missing(directory_ / "there"));
  EXPECT_FALSE(files.missing(directory_ / "there" / "below"));  // ENOTDIR: not known
  EXPECT_TRUE(files.missing(directory_ / "nothing"));
}

TEST_F(NginxConfigTest, WhatCannotBeReadIsSaid) {
  write("nginx.conf",
        "http { include there-is-none.conf; include broken; include .; include fifo;\n"
        "server { location / { proxy_pass http://$host; } } }");
  write("broken", "server {");
  ::mkfifo((directory_ / "fifo").c_str(), 0600);
  EXPECT_EQ(read().unseen.size(), 5U);
}

TEST_F(NginxConfigTest, FilesThatIncludeThemselvesComeToAnEnd) {
  write("nginx.conf", "http { } include *.conf; include *.conf; include *.conf;");
  const NginxConfig config = read();
  EXPECT_TRUE(config.routes.empty());
  ASSERT_EQ(config.unseen.size(), 1U);
  EXPECT_NE(config.unseen[0].find("too large"), std::string::npos);
}

}  // namespace
}  // namespace forebay::doctor
