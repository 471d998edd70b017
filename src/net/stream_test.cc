#include "net/stream.h"

#include <sys/socket.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace forebay::net {
namespace {

std::pair<Fd, Fd> socket_pair() {
  std::array<int, 2> pair{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair.data()), 0);
  return {Fd(pair[0]), Fd(pair[1])};
}

/// A stream and its peer; what the stream tells is counted.
class StreamTest : public testing::Test, public Stream::User {
 protected:
  StreamTest() : StreamTest(socket_pair()) {}
  explicit StreamTest(std::pair<Fd, Fd> pair)
      : peer_(std::move(pair.second)),
        stream_(std::make_unique<Stream>(poller_, std::move(pair.first), *this)) {}
  void readable() override {
    ++readable_;
    on_readable_();
  }
  void writable() override { ++writable_; }

  std::size_t poll() { return poller_.poll(Duration{0}); }
  void say(std::string_view text) const {
    EXPECT_EQ(::send(peer_.get(), text.data(), text.size(), 0), ssize_t(text.size()));
  }
  std::string read(std::size_t most = 100) {
    std::string text(most, ' ');
    text.resize(stream_->read(text));
    return text;
  }
  std::size_t write(std::string_view text) {
    const std::array<iovec, 1> parts{{{const_cast<char*>(text.data()), text.size()}}};
    return stream_->write(parts);
  }
  /// As much as the peer has got.
  std::size_t take() const {
    std::size_t taken = 0;
    std::array<char, 65536> piece{};
    for (ssize_t bytes = 0; (bytes = ::recv(peer_.get(), piece.data(), piece.size(), 0)) > 0;) {
      taken += static_cast<std::size_t>(bytes);
    }
    return taken;
  }

  Poller poller_;
  Fd peer_;
  std::unique_ptr<Stream> stream_;
  int readable_ = 0;
  int writable_ = 0;
  std::function<void()> on_readable_ = [] {};
};

TEST_F(StreamTest, TellsOnceThatSomethingCameAndAgainWhenMoreDoes) {
  EXPECT_EQ(poll(), 0U);
  say("one");
  EXPECT_EQ(poll(), 1U);
  EXPECT_EQ(readable_, 1);
  EXPECT_EQ(read(), "one");
  stream_->want_read();
  EXPECT_EQ(poll(), 0U);
  say("two");
  poll();
  EXPECT_EQ(readable_, 2);
  EXPECT_EQ(read(), "two");
}

TEST_F(StreamTest, WhatWasNotReadIsToldAgainOnRequest) {
  say("onetwo");
  poll();
  EXPECT_EQ(read(3), "one");
  EXPECT_EQ(poll(), 0U);
  stream_->want_read();
  stream_->want_read();
  EXPECT_EQ(readable_, 1);
  EXPECT_EQ(poll(), 1U);
  EXPECT_EQ(readable_, 2);
  EXPECT_EQ(read(3), "two");
  stream_->want_read();  // it read as much as it asked for: there may be more
  poll();
  EXPECT_EQ(read(3), "");
  EXPECT_FALSE(stream_->at_end());
}

TEST_F(StreamTest, TheEndComesAfterWhatWasSentBeforeIt) {
  say("last");
  ::shutdown(peer_.get(), SHUT_WR);
  poll();
  EXPECT_TRUE(stream_->peer_closed());
  EXPECT_EQ(read(), "last");
  EXPECT_FALSE(stream_->at_end());
  stream_->want_read();
  poll();
  EXPECT_EQ(readable_, 2);
  EXPECT_EQ(read(), "");
  EXPECT_TRUE(stream_->at_end());
  EXPECT_EQ(write("still listening?"), 16U);
}

TEST_F(StreamTest, AFullSocketTakesPartAndTellsWhenThereIsRoom) {
  const std::string much(4 << 20, 'x');
  const std::size_t taken = write(much);
  EXPECT_LT(taken, much.size());
  EXPECT_TRUE(stream_->blocked());
  poll();
  EXPECT_EQ(writable_, 0);
  EXPECT_EQ(take(), taken);
  poll();
  EXPECT_EQ(writable_, 1);
  EXPECT_FALSE(stream_->blocked());
  EXPECT_EQ(write("more"), 4U);
  EXPECT_EQ(take(), 4U);
  poll();
  EXPECT_EQ(writable_, 1) << "nobody waited";
}

TEST_F(StreamTest, APeerThatIsGoneBreaksIt) {
  peer_.reset();
  poll();
  EXPECT_EQ(read(), "");
  EXPECT_TRUE(stream_->at_end());
  EXPECT_EQ(write("anyone?"), 0U);
  EXPECT_TRUE(stream_->broken());
  EXPECT_FALSE(stream_->blocked());
}

TEST_F(StreamTest, KnowsWhoSendsNoMoreFromWhoIsGone) {
  ::shutdown(peer_.get(), SHUT_WR);
  poll();
  EXPECT_TRUE(stream_->peer_closed());
  EXPECT_FALSE(stream_->hung_up());
  peer_.reset();
  poll();
  EXPECT_TRUE(stream_->hung_up());
}

TEST_F(StreamTest, CountsWhatThePeerHasNotTaken) {
  EXPECT_EQ(stream_->unsent(), 0U);
  EXPECT_EQ(write("12345"), 5U);
  EXPECT_GE(stream_->unsent(), 5U);
  EXPECT_EQ(take(), 5U);
  EXPECT_EQ(stream_->unsent(), 0U);
}

TEST_F(StreamTest, MayBeDestroyedInTheCall) {
  on_readable_ = [this] { stream_.reset(); };
  say("x");
  EXPECT_EQ(poll(), 1U);
  EXPECT_EQ(poll(), 0U);
}

/// Counts, and destroys another.
class Destroyer final : public Polled {
 public:
  void ready(std::uint32_t /*events*/) override {
    ++called;
    victim();
  }
  int called = 0;
  std::function<void()> victim = [] {};
};

TEST(Poller, WhoWasForgottenInATurnIsNotToldInIt) {
  Poller poller;
  auto [first_end, first_peer] = socket_pair();
  auto [second_end, second_peer] = socket_pair();
  Destroyer first;
  Destroyer second;
  ASSERT_TRUE(poller.add(first_end.get(), EPOLLIN, first));
  ASSERT_TRUE(poller.add(second_end.get(), EPOLLIN, second));
  first.victim = [&] { poller.remove(second_end.get(), second); };
  second.victim = [&] { poller.remove(first_end.get(), first); };
  ASSERT_EQ(::send(first_peer.get(), "x", 1, 0), 1);
  ASSERT_EQ(::send(second_peer.get(), "x", 1, 0), 1);
  poller.poll(Duration{0});
  EXPECT_EQ(first.called + second.called, 1);
}

TEST(Poller, WhoAsksInATurnIsCalledInTheNext) {
  Poller poller;
  Destroyer polled;
  polled.victim = [&] { poller.ask(polled); };
  poller.ask(polled);
  EXPECT_EQ(poller.poll(Duration{0}), 1U);
  EXPECT_EQ(polled.called, 1);
  poller.poll(Duration{0});
  EXPECT_EQ(polled.called, 2);
}

}  // namespace
}  // namespace forebay::net
