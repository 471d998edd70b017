#include "doctor/sockets.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <string>

#include <gtest/gtest.h>

namespace forebay::doctor {
namespace {

/// A message of the kernel, or of somebody who wants to harm us.
class Message {
 public:
  template <typename T>
  Message& add(const T& value) {
    const auto bytes = std::as_bytes(std::span(&value, 1));
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  Message& add_text(std::string_view text) {
    const auto bytes = std::as_bytes(std::span(text));
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    bytes_.resize((bytes_.size() + 3) & ~std::size_t{3});
    return *this;
  }
  Message& attribute(std::uint16_t type, std::size_t length) {
    return add(rtattr{static_cast<std::uint16_t>(sizeof(rtattr) + length), type});
  }
  Message& header(std::uint16_t type, std::size_t payload, std::uint16_t flags = NLM_F_MULTI) {
    return add(nlmsghdr{static_cast<std::uint32_t>(sizeof(nlmsghdr) + payload), type, flags, 0, 0});
  }
  [[nodiscard]] Bytes bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

unix_diag_msg unix_head(std::uint8_t state = 10) {
  unix_diag_msg message{};
  message.udiag_family = AF_UNIX;
  message.udiag_type = SOCK_STREAM;
  message.udiag_state = state;
  message.udiag_ino = 77;
  return message;
}

Message unix_message(std::string_view name) {
  Message message;
  message.add(unix_head());
  message.attribute(UNIX_DIAG_NAME, name.size()).add_text(name);
  message.attribute(UNIX_DIAG_RQLEN, 8).add(unix_diag_rqlen{3, 2});
  message.attribute(UNIX_DIAG_ICONS, 12)
      .add(std::uint32_t{5})
      .add(std::uint32_t{0})
      .add(std::uint32_t{6});
  return message;
}

inet_diag_msg tcp_head(std::uint8_t family) {
  inet_diag_msg message{};
  message.idiag_family = family;
  message.idiag_state = 10;
  message.id.idiag_sport = htons(8000);
  message.idiag_inode = 9;
  message.idiag_rqueue = 5;
  message.idiag_wqueue = 4;
  return message;
}

TEST(UnixListener, HasItsNameItsQueueAndThoseThatLeft) {
  const auto socket = parse_unix_listener(unix_message(std::string_view("/run/x\0", 7)).bytes());
  ASSERT_TRUE(socket);
  EXPECT_EQ(socket->address, "unix:/run/x");
  EXPECT_EQ(socket->inode, 77U);
  EXPECT_EQ(socket->waiting, 3U);
  EXPECT_EQ(socket->limit, 2U);
  EXPECT_TRUE(socket->full());
  EXPECT_EQ(socket->gone, 1U);
  EXPECT_EQ(socket->clients, (std::vector<std::uint32_t>{5, 6}));
}

TEST(UnixListener, AnAbstractNameMayHoldNuls) {
  const auto socket = parse_unix_listener(unix_message(std::string_view("\0a\0b", 4)).bytes());
  ASSERT_TRUE(socket);
  EXPECT_EQ(socket->address, "unix:@a@b");
}

TEST(UnixListener, CutAnywhereIsNoListenerOrOneWithLess) {
  const Message whole = unix_message("/run/socket");
  for (std::size_t length = 0; length < whole.bytes().size(); ++length) {
    const auto socket = parse_unix_listener(whole.bytes().first(length));
    if (socket) {
      EXPECT_EQ(socket->limit, 2U) << length;
    }
  }
}

TEST(UnixListener, OtherStatesAndLyingAttributesAreNone) {
  EXPECT_FALSE(parse_unix_listener(Message().add(unix_head(1)).bytes()));
  EXPECT_FALSE(parse_unix_listener(Message().add(unix_head()).bytes()));
  Message lie;
  lie.add(unix_head()).attribute(UNIX_DIAG_RQLEN, 400).add(unix_diag_rqlen{3, 2});
  EXPECT_FALSE(parse_unix_listener(lie.bytes()));
  Message endless;
  endless.add(unix_head()).add(rtattr{0, UNIX_DIAG_RQLEN}).add(unix_diag_rqlen{3, 2});
  EXPECT_FALSE(parse_unix_listener(endless.bytes()));
}

TEST(TcpListener, HasItsAddressItsQueueAndItsDrops) {
  Message message;
  message.add(tcp_head(AF_INET)).attribute(INET_DIAG_SKMEMINFO, 36);
  for (std::uint32_t i = 0; i < 9; ++i) {
    message.add(i);
  }
  const auto socket = parse_tcp_listener(message.bytes());
  ASSERT_TRUE(socket);
  EXPECT_EQ(socket->address, "0.0.0.0:8000");
  EXPECT_EQ(socket->port, 8000);
  EXPECT_EQ(socket->waiting, 5U);
  EXPECT_EQ(socket->drops, 8U);
  EXPECT_EQ(parse_tcp_listener(Message().add(tcp_head(AF_INET6)).bytes())->address, "[::]:8000");
}

TEST(TcpListener, CutOrOfAnotherFamilyIsNone) {
  const Message whole = Message().add(tcp_head(AF_INET));
  EXPECT_FALSE(parse_tcp_listener(whole.bytes().first(whole.bytes().size() - 1)));
  EXPECT_FALSE(parse_tcp_listener(Message().add(tcp_head(AF_UNIX)).bytes()));
  EXPECT_FALSE(parse_tcp_listener({}));
}

std::size_t taken(const Message& datagram, bool* complete = nullptr) {
  std::size_t count = 0;
  const auto result = read_messages(datagram.bytes(), [&](Bytes) { ++count; });
  EXPECT_TRUE(result) << result.error().message;
  if (complete != nullptr) {
    *complete = result.value_or(false);
  }
  return count;
}

TEST(Messages, AreAllTakenUpToTheEnd) {
  Message datagram;
  datagram.header(SOCK_DIAG_BY_FAMILY, 4).add(1).header(SOCK_DIAG_BY_FAMILY, 4).add(2);
  bool complete = true;
  EXPECT_EQ(taken(datagram, &complete), 2U);
  EXPECT_FALSE(complete);
  datagram.header(NLMSG_DONE, 4).add(0);
  EXPECT_EQ(taken(datagram, &complete), 2U);
  EXPECT_TRUE(complete);
}

TEST(Messages, WhatTheKernelRefusesIsAnError) {
  Message datagram;
  datagram.header(NLMSG_ERROR, sizeof(nlmsgerr)).add(nlmsgerr{-ENOENT, {}});
  const auto result = read_messages(datagram.bytes(), [](Bytes) {});
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message.find("No such file"), std::string::npos);
}

TEST(Messages, LengthsThatLieAreAnError) {
  const auto nothing = [](Bytes) { FAIL(); };
  for (const std::uint32_t length : {0U, 1U, 15U, 21U, 0xffffffffU}) {
    Message datagram;
    datagram.add(nlmsghdr{length, SOCK_DIAG_BY_FAMILY, NLM_F_MULTI, 0, 0}).add(1);
    EXPECT_FALSE(read_messages(datagram.bytes(), nothing)) << length;
  }
  EXPECT_FALSE(read_messages(Message().add(std::uint16_t{1}).bytes(), nothing));
}

}  // namespace
}  // namespace forebay::doctor
