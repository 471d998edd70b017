#include "net/listener.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <vector>

#include <gtest/gtest.h>

#include "base/temporary_directory_test.h"
#include "net/backlog.h"

namespace forebay::net {
namespace {

Address loopback() { return parse_address("127.0.0.1:0", 0).value(); }

/// A unix address in a directory of its own.
class UnixAddress {
 public:
  [[nodiscard]] std::string path() const { return directory_ / "socket"; }
  [[nodiscard]] Address address() const { return parse_address("unix:" + path(), 0).value(); }

 private:
  TemporaryDirectory directory_;
};

Fd connect_to(const Address& address) {
  Fd socket(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(
      ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.length),
      0);
  return socket;
}

TEST(Address, ReadsTheFormsThatUsersWrite) {
  EXPECT_EQ(parse_address("127.0.0.1:80", 1)->text(), "127.0.0.1:80");
  EXPECT_EQ(parse_address("127.0.0.1", 8000)->text(), "127.0.0.1:8000");
  EXPECT_EQ(parse_address("[::1]:9", 1)->text(), "[::1]:9");
  EXPECT_EQ(parse_address("[::1]", 8000)->text(), "[::1]:8000");
  EXPECT_EQ(parse_address(":80", 1)->text(), "0.0.0.0:80");
  EXPECT_EQ(parse_address("unix:/run/x.sock", 1)->text(), "unix:/run/x.sock");
}

TEST(Address, SaysWhatIsWrongWithOthers) {
  EXPECT_NE(parse_address("127.0.0.1:http", 1).error().message.find("port"), std::string::npos);
  EXPECT_NE(parse_address("127.0.0.1:70000", 1).error().message.find("65535"), std::string::npos);
  EXPECT_NE(parse_address("unix:", 1).error().message.find("1 to"), std::string::npos);
  EXPECT_NE(parse_address("unix:" + std::string(200, 'x'), 1).error().message.find("200"),
            std::string::npos);
  EXPECT_FALSE(parse_address("no such host.invalid:80", 1).has_value());
}

TEST(Address, KnowsLoopback) {
  EXPECT_TRUE(parse_address("127.1.2.3:1", 1)->loopback());
  EXPECT_TRUE(parse_address("[::1]:1", 1)->loopback());
  EXPECT_TRUE(parse_address("unix:/x", 1)->loopback());
  EXPECT_FALSE(parse_address("0.0.0.0:1", 1)->loopback());
  EXPECT_FALSE(parse_address("[::]:1", 1)->loopback());
}

TEST(Listener, TellsThePortThatTheKernelChose) {
  const Result<Listener> listener = Listener::open(loopback(), 16);
  ASSERT_TRUE(listener.has_value());
  EXPECT_NE(listener->address().port(), 0);
}

TEST(Listener, SaysWhoIsInTheWay) {
  const Result<Listener> first = Listener::open(loopback(), 16);
  ASSERT_TRUE(first.has_value());
  const Result<Listener> second = Listener::open(first->address(), 16);
  ASSERT_FALSE(second.has_value());
  EXPECT_NE(second.error().message.find("another program listens"), std::string::npos);
}

TEST(Listener, ReplacesAUnixSocketThatNobodyListensAt) {
  const UnixAddress unix_address;
  {
    const Fd stale(::socket(AF_UNIX, SOCK_STREAM, 0));
    const Address address = unix_address.address();
    ASSERT_EQ(
        ::bind(stale.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.length),
        0);
  }
  EXPECT_TRUE(Listener::open(unix_address.address(), 16).has_value());
}

TEST(Listener, LeavesALivingUnixSocketAlone) {
  const UnixAddress unix_address;
  const Result<Listener> first = Listener::open(unix_address.address(), 16);
  ASSERT_TRUE(first.has_value());
  EXPECT_FALSE(Listener::open(unix_address.address(), 16).has_value());
  EXPECT_TRUE(std::filesystem::exists(unix_address.path()));
}

TEST(Listener, LeavesAFileThatIsNoSocketAlone) {
  const UnixAddress unix_address;
  Fd(::creat(unix_address.path().c_str(), 0600)).reset();
  EXPECT_FALSE(Listener::open(unix_address.address(), 16).has_value());
  EXPECT_TRUE(std::filesystem::is_regular_file(unix_address.path()));
}

TEST(Listener, RemovesItsSocketAtTheEnd) {
  const UnixAddress unix_address;
  Listener::open(unix_address.address(), 16).value();
  EXPECT_FALSE(std::filesystem::exists(unix_address.path()));
}

TEST(Listener, AdoptsASocketAndLeavesItsPath) {
  const UnixAddress unix_address;
  const Address address = unix_address.address();
  Fd bound(::socket(AF_UNIX, SOCK_STREAM, 0));
  ASSERT_EQ(
      ::bind(bound.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.length), 0);
  {
    const Result<Listener> listener = Listener::adopt(std::move(bound), 16);
    ASSERT_TRUE(listener.has_value());
    EXPECT_EQ(listener->address().text(), address.text());
    EXPECT_NE(::fcntl(listener->fd(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(::fcntl(listener->fd(), F_GETFD) & FD_CLOEXEC, 0);
    connect_to(address);
  }
  EXPECT_TRUE(std::filesystem::exists(unix_address.path()));
}

TEST(Listener, AdoptsStreamSocketsOnly) {
  EXPECT_FALSE(Listener::adopt(Fd(::socket(AF_UNIX, SOCK_DGRAM, 0)), 16).has_value());
  EXPECT_FALSE(Listener::adopt(Fd(::open("/dev/null", O_RDONLY)), 16).has_value());
  EXPECT_FALSE(Listener::adopt(Fd(99999), 16).has_value());
}

TEST(Backlog, ReadsLengthAndLimitOfBothFamilies) {
  const UnixAddress unix_address;
  for (const Address& address : {loopback(), unix_address.address()}) {
    const Result<Listener> listener = Listener::open(address, 7);
    ASSERT_TRUE(listener.has_value());
    std::vector<Fd> clients;
    for (int i = 0; i < 3; ++i) {
      clients.push_back(connect_to(listener->address()));
    }
    const Result<Backlog> backlog = read_backlog(listener->fd());
    ASSERT_TRUE(backlog.has_value()) << backlog.error().message;
    EXPECT_EQ(backlog->waiting, 3U);
    EXPECT_EQ(backlog->limit, 7U);
  }
}

TEST(Listener, AcceptsWhatWaitsBeforeItStops) {
  Loop loop;
  Result<Listener> listener = Listener::open(loopback(), 16);
  ASSERT_TRUE(listener.has_value());
  int accepted = 0;
  listener->accept_on(loop, [&accepted](const Fd&) { ++accepted; }, [](int) {});
  std::vector<Fd> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(connect_to(listener->address()));
  }
  listener->stop_accepting();
  EXPECT_EQ(accepted, 5);
}

}  // namespace
}  // namespace forebay::net
