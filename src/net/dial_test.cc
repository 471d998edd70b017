#include "net/dial.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/temporary_directory_test.h"
#include "net/listener.h"

namespace forebay::net {
namespace {

using Outcome = std::expected<Fd, DialError>;

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

Address tcp(std::string_view text) { return parse_address(text, 0).value(); }

/// A TCP address where nobody listens: bound, so that nobody else takes it.
struct Nobody {
  Nobody() : socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const Address any = tcp("127.0.0.1:0");
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&any.storage), any.length), 0);
  }
  [[nodiscard]] Address address() const { return local_address(socket.get()); }
  Fd socket;
};

class DialTest : public testing::Test {
 protected:
  [[nodiscard]] Address unix_address() const {
    return parse_address("unix:" + (directory_ / "socket").string(), 0).value();
  }
  void begin(const Address& to, const Address* from = nullptr) {
    outcome_.reset();
    dial_.emplace(poller_, to, from, [this](Outcome outcome) { outcome_ = std::move(outcome); });
    EXPECT_FALSE(outcome_.has_value()) << "told from within the constructor";
  }
  Outcome& finish() {
    while (!outcome_) {
      EXPECT_NE(poller_.poll(std::chrono::seconds(20)), 0U) << "nothing happened";
    }
    return *outcome_;
  }
  Outcome& run(const Address& to, const Address* from = nullptr) {
    begin(to, from);
    return finish();
  }

  Poller poller_;
  TemporaryDirectory directory_;
  std::optional<Dial> dial_;
  std::optional<Outcome> outcome_;
};

TEST_F(DialTest, ConnectsOverTcpWithoutDelay) {
  const Listener listener = Listener::open(tcp("127.0.0.1:0"), 8).value();
  const Outcome& outcome = run(listener.address());
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(peer_address(outcome->get()).text(), listener.address().text());
  int no_delay = 0;
  socklen_t size = sizeof(no_delay);
  ASSERT_EQ(::getsockopt(outcome->get(), IPPROTO_TCP, TCP_NODELAY, &no_delay, &size), 0);
  EXPECT_NE(no_delay, 0);
  char byte = 0;
  EXPECT_EQ(::recv(outcome->get(), &byte, 1, 0), -1);
  EXPECT_EQ(errno, EAGAIN) << "it blocks";
}

TEST_F(DialTest, ConnectsToAUnixSocket) {
  const Listener listener = Listener::open(unix_address(), 8).value();
  const Outcome& outcome = run(listener.address());
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(peer_address(outcome->get()).text(), listener.address().text());
}

TEST_F(DialTest, ComesFromTheAddressAskedFor) {
  const Listener listener = Listener::open(tcp("127.0.0.1:0"), 8).value();
  const Address from = tcp("127.0.0.7:0");
  const Outcome& outcome = run(listener.address(), &from);
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(local_address(outcome->get()).host(), "127.0.0.7");
}

TEST_F(DialTest, AnAddressThatIsNotOursIsAnError) {
  const Listener listener = Listener::open(tcp("127.0.0.1:0"), 8).value();
  const Address from = tcp("192.0.2.1:0");
  const Outcome& outcome = run(listener.address(), &from);
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().code, EADDRNOTAVAIL);
}

TEST_F(DialTest, KnowsARefusal) {
  const Nobody nobody;
  const Outcome& tcp_outcome = run(nobody.address());
  ASSERT_FALSE(tcp_outcome.has_value());
  EXPECT_EQ(tcp_outcome.error().kind, DialError::Kind::kRefused);
  EXPECT_EQ(tcp_outcome.error().text(), "Connection refused");
  {
    const Fd bound(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const Address address = unix_address();
    ASSERT_EQ(
        ::bind(bound.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.length),
        0);
  }
  const Outcome& unix_outcome = run(unix_address());
  ASSERT_FALSE(unix_outcome.has_value());
  EXPECT_EQ(unix_outcome.error().kind, DialError::Kind::kRefused);
}

TEST_F(DialTest, AUnixSocketThatIsNotThereIsAnError) {
  const Outcome& outcome = run(unix_address());
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().kind, DialError::Kind::kOther);
  EXPECT_EQ(outcome.error().code, ENOENT);
}

TEST_F(DialTest, AFullListenQueueOfAUnixSocketIsAnErrorOfItsOwn) {
  const Listener listener = Listener::open(unix_address(), 1).value();
  std::vector<Fd> queued;
  while (run(listener.address()).has_value()) {
    queued.push_back(std::move(**outcome_));
    ASSERT_LT(queued.size(), 10U);
  }
  EXPECT_EQ(outcome_->error().kind, DialError::Kind::kBacklogFull);
  EXPECT_NE(outcome_->error().text().find("listen queue"), std::string::npos);
}

TEST_F(DialTest, AConnectionToItselfIsARefusal) {
  Address address;
  {
    const Nobody nobody;
    address = nobody.address();
  }
  const Outcome& outcome = run(address, &address);
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().kind, DialError::Kind::kRefused);
}

TEST_F(DialTest, SaysThatThereAreNoDescriptorsLeft) {
  const Listener listener = Listener::open(tcp("127.0.0.1:0"), 8).value();
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const Outcome& outcome = run(listener.address());
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().kind, DialError::Kind::kNoDescriptors);
  EXPECT_NE(outcome.error().text().find("ulimit -n"), std::string::npos);
}

TEST_F(DialTest, DestructionCancelsAtAnyMoment) {
  const Listener listener = Listener::open(tcp("127.0.0.1:0"), 8).value();
  const std::size_t before = open_descriptors();
  begin(listener.address());
  dial_.reset();
  EXPECT_EQ(poller_.poll(Duration{0}), 0U);
  begin(unix_address());  // which has failed already
  dial_.reset();
  EXPECT_EQ(poller_.poll(Duration{0}), 0U);
  EXPECT_FALSE(outcome_.has_value());
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(DialTest, LeavesNoDescriptorBehind) {
  const Nobody nobody;
  const Listener listener = Listener::open(tcp("127.0.0.1:0"), 8).value();
  const std::size_t before = open_descriptors();
  EXPECT_TRUE(run(listener.address()).has_value());
  EXPECT_FALSE(run(nobody.address()).has_value());
  dial_.reset();
  outcome_.reset();
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(DialTest, MayBeDestroyedInTheCall) {
  const Listener listener = Listener::open(tcp("127.0.0.1:0"), 8).value();
  bool called = false;
  std::unique_ptr<Dial> dial;
  dial = std::make_unique<Dial>(poller_, listener.address(), nullptr, [&](const Outcome& outcome) {
    called = true;
    EXPECT_TRUE(outcome.has_value());
    dial.reset();
  });
  while (!called) {
    ASSERT_NE(poller_.poll(std::chrono::seconds(20)), 0U);
  }
}

}  // namespace
}  // namespace forebay::net
