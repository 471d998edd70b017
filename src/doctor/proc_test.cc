#include "doctor/proc.h"

#include <unistd.h>

#include <algorithm>

#include <gtest/gtest.h>

namespace forebay::doctor {
namespace {

TEST(ListenCounters, AreFoundByNameWhereverTheyStand) {
  const auto counters = parse_listen_counters(
      "TcpExt: SyncookiesSent ListenDrops X ListenOverflows TCPReqQFullDrop\n"
      "TcpExt: 1 22 3 11 5\n"
      "IpExt: InNoRoutes\nIpExt: 7\n");
  ASSERT_TRUE(counters);
  EXPECT_EQ(counters->overflows, 11U);
  EXPECT_EQ(counters->drops, 22U);
  EXPECT_EQ(counters->reqq_drops, 5U);
}

TEST(ListenCounters, TextThatIsCutOrNonsenseHarmsNobody) {
  EXPECT_FALSE(parse_listen_counters(""));
  EXPECT_FALSE(parse_listen_counters("TcpExt: ListenDrops"));
  EXPECT_FALSE(parse_listen_counters("TcpExt: ListenDrops\n"));
  EXPECT_EQ(parse_listen_counters("TcpExt: A ListenDrops\nTcpExt: 1\n")->drops, 0U);
  EXPECT_EQ(parse_listen_counters("TcpExt: ListenDrops\nTcpExt: many\n")->drops, 0U);
  EXPECT_EQ(parse_listen_counters("TcpExt: ListenDrops\nTcpExt: 99999999999999999999\n")->drops,
            0U);
}

TEST(Stat, ANameMayHoldParenthesesAndSpaces) {
  const auto process = parse_stat("42 (a) S 1 (b) S 7 42 42 0");
  ASSERT_TRUE(process);
  EXPECT_EQ(process->pid, 42);
  EXPECT_EQ(process->parent, 7);
  EXPECT_EQ(process->name, "a) S 1 (b");
}

TEST(Stat, WhatIsCutIsNone) {
  for (const char* text :
       {"", "42", "42 (a", "42 (a)", "42 (a) S", "x (a) S 1", ") (", "42 (a) S x"}) {
    EXPECT_FALSE(parse_stat(text)) << text;
  }
}

TEST(InodeLink, IsReadOnlyFromItsOwnKind) {
  EXPECT_EQ(parse_inode_link("socket:[123]", "socket"), 123U);
  EXPECT_EQ(parse_inode_link("net:[4026531840]", "net"), 4026531840U);
  for (const char* link : {"", "socket:", "socket:[", "socket:[]", "socket:[12", "socket:[1x]",
                           "pipe:[123]", "socket", "socket]", "/tmp/socket:[1]"}) {
    EXPECT_FALSE(parse_inode_link(link, "socket")) << link;
  }
}

TEST(Processes, WeAreAmongThem) {
  const auto processes = list_processes();
  EXPECT_EQ(std::ranges::count(processes, ::getpid(), &ProcessEntry::pid), 1);
  const auto self = read_process(::getpid());
  ASSERT_TRUE(self);
  EXPECT_EQ(self->parent, ::getppid());
  EXPECT_EQ(self->name, "unit_tests");
  EXPECT_FALSE(self->command.empty());
}

TEST(ReadFile, StopsAtItsLimit) {
  EXPECT_EQ(read_file("/proc/self/stat", 5)->size(), 5U);
  EXPECT_FALSE(read_file("/proc/self/there-is-no-such-file"));
}

}  // namespace
}  // namespace forebay::doctor
