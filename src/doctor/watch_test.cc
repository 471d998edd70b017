#include "doctor/watch.h"

#include <gtest/gtest.h>

#include "doctor/explain.h"

namespace forebay::doctor {
namespace {

Host host_with(std::uint32_t waiting, std::uint64_t overflows) {
  Host host;
  NetworkNamespace network;
  network.id = 1;
  network.entered = true;
  network.somaxconn = 128;
  network.counters = ListenCounters{.overflows = overflows};
  ListeningSocket socket;
  socket.address = "unix:/run/g.sock";
  socket.waiting = waiting;
  socket.limit = 3;
  network.sockets = {socket};
  host.networks = {network};
  return host;
}

TEST(Watch, RemembersTheHighestFill) {
  Watch watch;
  for (const std::uint32_t waiting : {0U, 4U, 2U, 0U}) {
    Host host = host_with(waiting, 0);
    watch.see(host, std::to_string(waiting));
  }
  EXPECT_EQ(watch.highest().waiting, 4U);
  EXPECT_EQ(watch.highest().at, "4");
  EXPECT_NE(watch.line().find("nothing waits"), std::string::npos);
  EXPECT_NE(watch.line().find("4/3 4 unix:/run/g.sock"), std::string::npos);
}

TEST(Watch, KeepsEachFindingAtItsWorst) {
  Watch watch;
  for (const std::uint32_t waiting : {3U, 4U, 0U}) {
    Host host = host_with(waiting, 0);
    watch.see(host, "now");
  }
  const auto findings = watch.findings();
  ASSERT_EQ(findings.size(), 2U);
  EXPECT_EQ(findings[0].rule, "queue-full");
  EXPECT_EQ(findings[1].rule, "queue-nearly-full");
}

TEST(Watch, CountsDropsFromItsBeginning) {
  Watch watch;
  Host before = host_with(0, 7);
  watch.see(before, "1");
  EXPECT_EQ(watch.findings().at(0).rule, "overflows");
  Host after = host_with(0, 9);
  watch.see(after, "2");
  EXPECT_EQ(watch.findings().at(0).rule, "overflows-growing");
  EXPECT_EQ(watch.findings().at(0).severity, Severity::kCritical);
  EXPECT_NE(watch.line().find("      2  "), std::string::npos);
}

TEST(Watch, ANamespaceThatGetsTheNumberOfOneThatEndedBeginsAnew) {
  Watch watch;
  for (const std::uint64_t overflows : {10U, 0U, 3U}) {
    Host host = host_with(0, overflows);
    watch.see(host, "now");
  }
  EXPECT_NE(watch.line().find("      3  "), std::string::npos) << watch.line();
}

TEST(Explain, EveryTopicIsExplainedOnAnyMachine) {
  for (const std::string& topic : topics()) {
    EXPECT_TRUE(explain(topic, Host{})) << topic;
    EXPECT_TRUE(explain(topic, host_with(1, 1))) << topic;
  }
  const auto backlog = explain("backlog", host_with(1, 1));
  EXPECT_NE(backlog->find("unix:/run/g.sock: 1 wait, 4 fit"), std::string::npos);
  EXPECT_NE(explain("somaxconn", host_with(1, 1))->find("= 128"), std::string::npos);
}

TEST(Explain, WhatIsNoTopicNamesThoseThereAre) {
  const auto nothing = explain("weather", Host{});
  ASSERT_FALSE(nothing);
  EXPECT_NE(nothing.error().message.find("backlog, somaxconn, 502, 504, workers"),
            std::string::npos);
}

}  // namespace
}  // namespace forebay::doctor
