#include "doctor/servers.h"

#include <gtest/gtest.h>

#include "doctor/gunicorn_config.h"
#include "doctor/status_page.h"

namespace forebay::doctor {
namespace {

GunicornConfig from_words(const std::vector<std::string>& words) {
  GunicornConfig config;
  read_gunicorn_options(words, config);
  return config;
}

GunicornConfig from_file(std::string_view text) {
  GunicornConfig config;
  read_gunicorn_file(text, "g.py", config);
  return config;
}

TEST(GunicornOptions, AreReadInEveryForm) {
  const GunicornConfig config =
      from_words({"python", "gunicorn", "app", "--backlog", "64", "--timeout=90", "-kgthread",
                  "--threads", "4", "-c", "file:conf.py", "--chdir", "/srv"});
  EXPECT_EQ(config.backlog, 64U);
  EXPECT_EQ(config.backlog_where, "--backlog");
  EXPECT_EQ(config.timeout_seconds, 90);
  EXPECT_EQ(config.requests_per_worker(), 4U);
  EXPECT_EQ(config.config_path, "conf.py");
  EXPECT_EQ(config.directory, "/srv");
  EXPECT_EQ(from_words({"gunicorn", "-t", "7"}).timeout_seconds, 7);
  EXPECT_EQ(from_words({"-k", "uvicorn.workers.UvicornWorker"}).requests_per_worker(), 0U);
}

TEST(GunicornOptions, NonsenseLeavesTheDefaults) {
  for (const char* value : {"", "x", "-1", "99999999999999", "1 2"}) {
    const GunicornConfig config = from_words({"--backlog", value, "--timeout", value});
    EXPECT_EQ(config.backlog, 2048U) << value;
    EXPECT_EQ(config.backlog_where, "gunicorn's default");
  }
  EXPECT_EQ(from_words({"--backlog"}).backlog, 2048U);
  EXPECT_EQ(from_words({"--backlogs=5"}).backlog, 2048U);
}

TEST(GunicornFile, LiteralsAreRead) {
  const GunicornConfig config = from_file(
      "import os\n"
      "backlog = 64  # short\n"
      "timeout=120\r\n"
      "worker_class = 'gthread'\n"
      "threads = \"2\"\n"
      "if backlog == 64: pass\n"
      "bind = compute()\n");
  EXPECT_EQ(config.backlog, 64U);
  EXPECT_EQ(config.backlog_where, "g.py:2");
  EXPECT_EQ(config.timeout_seconds, 120);
  EXPECT_EQ(config.requests_per_worker(), 2U);
  EXPECT_TRUE(config.unseen.empty());
}

TEST(GunicornFile, WhatIsComputedIsNotGuessed) {
  for (const char* text : {"backlog = 2 * 1024", "backlog = int(os.environ['B'])", "  backlog = 64",
                           "backlog = -1", "backlog = '6' + '4'", "backlog = 64;",
                           "backlog =", "backlog = '64", "timeout = backlog = 64"}) {
    const GunicornConfig config = from_file(text);
    EXPECT_EQ(config.backlog, 2048U) << text;
    EXPECT_EQ(config.unseen.size(), 1U) << text;
  }
}

TEST(NginxConfigPath, IsWhatTheMasterWasGiven) {
  EXPECT_EQ(nginx_config_path({"nginx: master process nginx -g daemon off;"}),
            "/etc/nginx/nginx.conf");
  EXPECT_EQ(nginx_config_path({"nginx: master process /usr/sbin/nginx -p /srv -c n.conf"}),
            "/srv/n.conf");
  EXPECT_EQ(nginx_config_path({"nginx: master process nginx -c /x/n.conf"}), "/x/n.conf");
  EXPECT_EQ(nginx_config_path({"nginx: master process /usr/local/nginx/sbin/nginx"}),
            "/usr/local/nginx/conf/nginx.conf");
  EXPECT_EQ(nginx_config_path({}), "/etc/nginx/nginx.conf");
}

TEST(ForebayStatusPage, IsReadAsFarAsTheRulesNeedIt) {
  const auto status = parse_forebay_status(
      R"({"forebay":"0.1.0","queue":{"requests":3,"predicted_wait_seconds":1.5},
          "servers":{"total":2,"busy":2},"requests":{"ok":10,"queue_full":1,"queue_timeout":2}})");
  ASSERT_TRUE(status);
  EXPECT_EQ(status->waiting, 3U);
  EXPECT_EQ(status->predicted_wait_seconds, 1.5);
  EXPECT_EQ(status->servers, 2U);
  EXPECT_EQ(status->refused, 3U);
  EXPECT_EQ(status->refused_full, 1U);
  EXPECT_EQ(status->requests, 13U);
}

TEST(ForebayStatusPage, AnythingElseIsAnError) {
  for (const char* text : {"", "{", "[]", "null", "{}", R"({"queue":{}})", "<html>"}) {
    EXPECT_FALSE(parse_forebay_status(text)) << text;
  }
  const auto odd = parse_forebay_status(
      R"({"forebay":1,"queue":[],"servers":"x","requests":{"ok":"many","queue_full":null}})");
  ASSERT_TRUE(odd);
  EXPECT_EQ(odd->requests, 0U);
}

}  // namespace
}  // namespace forebay::doctor
