#include "doctor/rules.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace forebay::doctor {
namespace {

constexpr std::uint64_t kNetwork = 1;
constexpr const char* kAddress = "unix:/run/g.sock";

ListeningSocket unix_socket(std::uint32_t waiting, std::uint32_t limit) {
  ListeningSocket socket;
  socket.inode = 7;
  socket.address = kAddress;
  socket.waiting = waiting;
  socket.limit = limit;
  socket.gone = 0;
  socket.owners = {10, 11, 12};
  return socket;
}

/// gunicorn with two sync workers behind nginx, with nothing wrong.
Host healthy() {
  Host host;
  NetworkNamespace network;
  network.id = kNetwork;
  network.entered = true;
  network.somaxconn = 4096;
  network.counters = ListenCounters{};
  network.sockets = {unix_socket(0, 2048)};
  ListeningSocket front;
  front.family = Family::kTcp4;
  front.address = "0.0.0.0:80";
  front.port = 80;
  front.limit = 511;
  front.drops = 0;
  front.owners = {20};
  network.sockets.push_back(front);
  host.networks = {network};
  Server gunicorn;
  gunicorn.kind = Server::Kind::kGunicorn;
  gunicorn.pid = 10;
  gunicorn.network = kNetwork;
  gunicorn.workers = {{11, 0}, {12, 0}};
  gunicorn.threads = 1;
  gunicorn.backlogs = {{"", 2048, "gunicorn's default"}};
  gunicorn.timeout_seconds = 30;
  Server nginx;
  nginx.kind = Server::Kind::kNginx;
  nginx.pid = 20;
  nginx.network = kNetwork;
  nginx.backlogs = {{"0.0.0.0:80", 511, "nginx's default"}};
  nginx.routes = {{kAddress, 60, 60, "site.conf:3"}};
  host.servers = {gunicorn, nginx};
  return host;
}

ListeningSocket& queue_of(Host& host) { return host.networks[0].sockets[0]; }
ListeningSocket& front_of(Host& host) { return host.networks[0].sockets[1]; }
Server& gunicorn_of(Host& host) { return host.servers[0]; }
Server& nginx_of(Host& host) { return host.servers[1]; }

void make_busy(Host& host) {
  for (Worker& worker : gunicorn_of(host).workers) {
    worker.connections = 1;
  }
}

bool mentions(const std::vector<std::string>& lines, std::string_view text) {
  return std::ranges::any_of(
      lines, [text](const std::string& line) { return line.find(text) != std::string::npos; });
}

std::vector<std::string_view> rules(const Host& host) {
  std::vector<std::string_view> names;
  for (const Finding& finding : diagnose(host)) {
    names.push_back(finding.rule);
  }
  return names;
}

using Rules = std::vector<std::string_view>;

TEST(Rules, FindNothingWhereNothingIsWrong) {
  EXPECT_EQ(rules(healthy()), Rules{});
  EXPECT_EQ(rules(Host{}), Rules{});
}

TEST(FullQueue, SaysWhoWaitsWhatUsersSeeAndTheFix) {
  Host host = healthy();
  queue_of(host) = unix_socket(129, 128);
  make_busy(host);
  const auto findings = find_full_queues(host);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].severity, Severity::kCritical);
  EXPECT_EQ(
      findings[0].what,
      "The queue of unix:/run/g.sock (gunicorn, pid 10) is full: 129 wait, its limit is 128.");
  EXPECT_TRUE(mentions(findings[0].evidence, "2 of 2 workers of gunicorn are busy"));
  EXPECT_TRUE(mentions(findings[0].evidence, "nginx passes requests here (site.conf:3)"));
  EXPECT_TRUE(mentions(findings[0].evidence, "asked for 2048"));
  EXPECT_NE(findings[0].users.find("502"), std::string::npos);
  EXPECT_TRUE(mentions(findings[0].fix, "gunicorn --workers 4 (now 2)"));
  EXPECT_TRUE(mentions(findings[0].fix, "restart gunicorn"));
  EXPECT_NE(findings[0].trade_off.find("the last of 129 waits for 65 requests"), std::string::npos);
}

TEST(FullQueue, IsFullOnlyWhenMoreWaitThanItsLimit) {
  Host host = healthy();
  queue_of(host).limit = 3;
  queue_of(host).waiting = 3;  // 3 of 4
  EXPECT_EQ(find_full_queues(host).at(0).rule, "queue-nearly-full");
  EXPECT_EQ(find_full_queues(host).at(0).severity, Severity::kWarning);
  queue_of(host).waiting = 4;
  EXPECT_EQ(find_full_queues(host).at(0).rule, "queue-full");
  queue_of(host).waiting = 2;
  EXPECT_TRUE(find_full_queues(host).empty());
}

TEST(FullQueue, OfTcpIsDelayNot502) {
  Host host = healthy();
  front_of(host).waiting = 512;
  const auto findings = find_full_queues(host);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_NE(findings[0].users.find("1, 3, 7 s"), std::string::npos);
}

TEST(FullQueue, OfAnUnknownOwnerIsFoundToo) {
  Host host;
  host.networks.emplace_back();
  host.networks[0].sockets = {unix_socket(2, 1)};
  host.networks[0].sockets[0].owners.clear();
  EXPECT_EQ(find_full_queues(host).at(0).severity, Severity::kCritical);
}

TEST(CutBacklog, NamesTheSysctlOnlyWhereItIsTooLow) {
  Host host = healthy();
  queue_of(host).limit = 128;
  host.networks[0].somaxconn = 128;
  auto findings = find_cut_backlogs(host);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_TRUE(mentions(findings[0].fix, "sysctl -w net.core.somaxconn=2048"));
  EXPECT_TRUE(mentions(findings[0].fix, "restart gunicorn"));
  host.networks[0].somaxconn = 4096;  // raised since
  findings = find_cut_backlogs(host);
  EXPECT_FALSE(mentions(findings.at(0).fix, "sysctl -w"));
  EXPECT_FALSE(mentions(findings.at(0).fix, "then"));
  host.networks[0].somaxconn = 128;
  host.networks[0].pid = 99;  // a container
  EXPECT_TRUE(mentions(find_cut_backlogs(host).at(0).fix, "nsenter -t 99"));
}

TEST(CutBacklog, ASocketOfTheMasterAloneIsNotForClients) {
  Host host = healthy();
  queue_of(host).limit = 5;
  queue_of(host).owners = {10};
  EXPECT_TRUE(find_cut_backlogs(host).empty());
}

TEST(BusyWorkers, CountOnlyWhenAsManyWaitAsAreServed) {
  Host host = healthy();
  make_busy(host);
  queue_of(host).waiting = 1;
  EXPECT_TRUE(find_busy_workers(host).empty());
  queue_of(host).waiting = 2;
  const auto findings = find_busy_workers(host);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_NE(findings[0].users.find("504 after 60 s"), std::string::npos);
  gunicorn_of(host).workers[0].connections = 0;
  EXPECT_TRUE(find_busy_workers(host).empty());
  gunicorn_of(host).workers[0].connections.reset();  // not to be seen
  EXPECT_TRUE(find_busy_workers(host).empty());
}

TEST(GoneClients, AreWorkForNobody) {
  Host host = healthy();
  queue_of(host).waiting = 5;
  queue_of(host).gone = 3;
  EXPECT_EQ(find_gone_clients(host).at(0).severity, Severity::kWarning);
  queue_of(host).gone.reset();
  EXPECT_TRUE(find_gone_clients(host).empty());
}

TEST(Overflows, SinceBootAreANoteAndGrowingOnesCritical) {
  Host host = healthy();
  host.networks[0].counters->overflows = 5;
  EXPECT_EQ(find_overflows(host).at(0).severity, Severity::kNote);
  host.networks[0].before = ListenCounters{.overflows = 3};
  front_of(host).drops = 2;
  const auto findings = find_overflows(host);
  EXPECT_EQ(findings.at(0).severity, Severity::kCritical);
  EXPECT_NE(findings.at(0).what.find("2 connections were dropped"), std::string::npos);
  EXPECT_TRUE(mentions(findings.at(0).evidence, "0.0.0.0:80 has dropped 2 packets"));
}

TEST(ShortNginxQueue, IsOneThatFillsOrHasOverflowed) {
  Host host = healthy();
  front_of(host).drops = 9;
  host.networks[0].counters->overflows = 9;
  const auto findings = find_short_nginx_queues(host);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].severity, Severity::kNote);
  EXPECT_TRUE(mentions(findings[0].fix, "backlog=4096"));
  front_of(host).waiting = 256;
  EXPECT_EQ(find_short_nginx_queues(host).at(0).severity, Severity::kWarning);
}

TEST(ShortNginxQueue, IsNotOneThatOnlyGotStrayPackets) {
  Host host = healthy();
  front_of(host).drops = 9;
  EXPECT_EQ(rules(host), Rules{});
}

TEST(ShortTimeouts, AreThoseThatTheQueueOutlasts) {
  Host host = healthy();
  queue_of(host).waiting = 40;
  auto findings = find_short_timeouts(host);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].severity, Severity::kNote);
  EXPECT_NE(findings[0].what.find("more than 3 s each"), std::string::npos);  // 60 s x 2 / 40
  queue_of(host).gone = 1;
  EXPECT_EQ(find_short_timeouts(host).at(0).severity, Severity::kWarning);
}

TEST(ShortTimeouts, AreCrossedWhenGunicornIsMorePatientThanNginx) {
  Host host = healthy();
  gunicorn_of(host).timeout_seconds = 120;
  EXPECT_EQ(rules(host), Rules{"timeouts-crossed"});
  gunicorn_of(host).timeout_seconds = 60;
  EXPECT_EQ(rules(host), Rules{});
}

TEST(MissingUpstream, IsWhereNobodyListens) {
  Host host = healthy();
  nginx_of(host).routes[0].upstream = "unix:/run/other.sock";
  EXPECT_EQ(find_missing_upstreams(host).at(0).severity, Severity::kCritical);
  nginx_of(host).routes.push_back({kAddress, 60, 60, "site.conf:3"});  // of the same upstream
  EXPECT_EQ(find_missing_upstreams(host).at(0).severity, Severity::kWarning);
}

TEST(MissingUpstream, IsNotGuessedWhereWeCannotSee) {
  Host host = healthy();
  nginx_of(host).routes = {{"unix:/run/other.sock", 60, 60, "a"}};
  host.networks.emplace_back();  // not entered
  EXPECT_TRUE(find_missing_upstreams(host).empty());
  nginx_of(host).routes[0].no_file = true;
  EXPECT_EQ(find_missing_upstreams(host).size(), 1U);
  nginx_of(host).routes = {{"10.0.0.1:80", 60, 60, "a"}, {"127.0.0.1:80", 60, 60, "b"}};
  EXPECT_TRUE(find_missing_upstreams(host).empty());
  nginx_of(host).routes = {{"127.0.0.1:81", 60, 60, "b"}};
  EXPECT_EQ(find_missing_upstreams(host).size(), 1U);
  nginx_of(host).network = 2;
  EXPECT_TRUE(find_missing_upstreams(host).empty());
}

TEST(Shedding, IsAWarningWhileItLasts) {
  Host host = healthy();
  Server forebay;
  forebay.kind = Server::Kind::kForebay;
  forebay.pid = 30;
  forebay.status = ForebayStatus{.servers = 2, .requests = 10, .refused = 4};
  host.servers.push_back(forebay);
  EXPECT_EQ(find_shedding(host).at(0).severity, Severity::kNote);
  EXPECT_THAT(find_shedding(host).at(0).fix.at(1), testing::HasSubstr("--max-wait"));
  host.servers[2].status->refused_full = host.servers[2].status->refused;
  EXPECT_THAT(find_shedding(host).at(0).fix.at(1), testing::HasSubstr("--max-queue"));
  host.servers[2].status->waiting = 3;
  host.servers[2].status->busy = 2;
  EXPECT_EQ(find_shedding(host).at(0).severity, Severity::kWarning);
  host.servers[2].status->refused = 0;
  EXPECT_TRUE(find_shedding(host).empty());
}

TEST(Diagnosis, PutsTheMostHarmfulFirst) {
  Host host = healthy();
  queue_of(host) = unix_socket(129, 128);
  host.networks[0].somaxconn = 128;
  front_of(host).limit = 128;
  make_busy(host);
  host.networks[0].counters->overflows = 1;
  EXPECT_EQ(rules(host), (Rules{"queue-full", "workers-busy", "backlog-cut", "backlog-cut",
                                "overflows", "proxy-timeout"}));
}

}  // namespace
}  // namespace forebay::doctor
