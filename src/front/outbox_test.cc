#include "front/outbox.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "front/relay.h"
#include "front/ticker.h"
#include "net/loop.h"

namespace forebay::front {
namespace {

/// An outbox on one end of a socket pair whose other end is a client that reads when told to.
class OutboxTest : public ::testing::Test, public net::Stream::User {
 protected:
  OutboxTest() {
    ::signal(SIGPIPE, SIG_IGN);  // as the server does
    std::array<int, 2> pair{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair.data()), 0);
    stream_ = std::make_unique<net::Stream>(loop_.poller(), Fd(pair[0]), *this);
    out_.emplace(*stream_, changed_, settings_, ticker_, spool_);
    client_.reset(pair[1]);
  }
  void readable() override {}
  void writable() override { out_->writable(); }

  /// Reads until nothing comes any more, letting the outbox write on.
  std::string read_all() {
    std::string all;
    std::array<char, 65536> piece{};
    for (;;) {
      const ssize_t bytes = ::read(client_.get(), piece.data(), piece.size());
      if (bytes > 0) {
        all.append(piece.data(), static_cast<std::size_t>(bytes));
      } else if (loop_.poller().poll(Duration{0}) == 0) {
        return all;
      }
    }
  }
  static std::string pattern(std::size_t bytes, char seed) {
    std::string text(bytes, seed);
    for (std::size_t i = 0; i < bytes; ++i) {
      text[i] = static_cast<char>(seed + static_cast<char>(i % 23));
    }
    return text;
  }
  Fd file_with(const std::string& text) const {
    SpoolFile file = SpoolFile::create(settings_.spool_directory).value();
    EXPECT_TRUE(file.append(text).has_value());
    return file.reopen().value();
  }

  Settings settings_;
  net::Loop loop_;
  std::unique_ptr<net::Stream> stream_;
  Fd client_;
  net::Event changed_;
  Ticker ticker_{loop_, settings_};
  Budget spool_{3'000'000};
  std::optional<Outbox> out_;
};

TEST_F(OutboxTest, WritesAtOnceWhatTheSocketTakes) {
  out_->send({"one ", "two ", "", "three"});
  EXPECT_TRUE(out_->drained());
  EXPECT_EQ(read_all(), "one two three");
}

TEST_F(OutboxTest, KeepsTheOrderThroughMemoryAndFile) {
  std::string sent;
  for (char seed = 'A'; seed < 'A' + 20; ++seed) {
    const std::string piece = pattern(100'000, seed);
    out_->send({piece});
    sent += piece;
  }
  EXPECT_FALSE(out_->drained());
  EXPECT_EQ(read_all(), sent);
  EXPECT_TRUE(out_->drained());
  out_->send({"and on"});
  EXPECT_EQ(read_all(), "and on");
}

TEST_F(OutboxTest, AFileFollowsWhatIsStillKept) {
  const std::string before = pattern(1'000'000, 'a');
  const std::string content = pattern(3'000'000, 'b');
  out_->send({before});
  out_->send_file(file_with(content), 10, content.size() - 10);
  EXPECT_EQ(read_all(), before + content.substr(10));
  EXPECT_TRUE(out_->drained());
}

TEST_F(OutboxTest, AFileThatIsShorterThanPromisedFails) {
  out_->send_file(file_with("short"), 0, 100);
  EXPECT_EQ(read_all(), "short");
  EXPECT_TRUE(out_->failed());
}

TEST_F(OutboxTest, HasNoRoomBeyondTheSpoolLimit) {
  settings_.spool_max = 200'000;
  EXPECT_TRUE(out_->has_room());
  const std::string piece = pattern(1'000'000, 'x');
  out_->send({piece});
  EXPECT_FALSE(out_->has_room());
  EXPECT_EQ(read_all(), piece);
  EXPECT_TRUE(out_->has_room());
}

TEST_F(OutboxTest, AllOutboxesShareTheSpool) {
  const std::string piece = pattern(4'000'000, 'x');
  out_->send({piece});
  EXPECT_FALSE(out_->has_room());
  EXPECT_FALSE(spool_.has_room(1));
  EXPECT_EQ(read_all(), piece);
  EXPECT_TRUE(out_->has_room());
  EXPECT_EQ(spool_.used(), 0U);
}

TEST_F(OutboxTest, WhatAGoneClientHeldIsGivenBack) {
  out_->send({pattern(1'000'000, 'x')});
  EXPECT_GT(spool_.used(), 0U);
  client_.reset();
  loop_.poller().poll(Duration{0});
  EXPECT_EQ(spool_.used(), 0U);
}

TEST_F(OutboxTest, FailsWhenTheClientIsGoneAndForgetsTheRest) {
  out_->send({pattern(1'000'000, 'x')});
  client_.reset();
  loop_.poller().poll(Duration{0});
  EXPECT_TRUE(out_->failed());
  EXPECT_TRUE(out_->has_room());
}

TEST_F(OutboxTest, AReaderWhoNeverCatchesUpDoesNotMakeTheFileGrow) {
  settings_.spool_max = 1'000'000;
  const std::string piece = pattern(100'000, 'x');
  out_->send({pattern(900'000, 'x')});
  std::string read(piece.size(), ' ');
  int pieces = 0;
  while (out_->has_room() && pieces < 100) {  // as much comes as goes
    out_->send({piece});
    ++pieces;
    ASSERT_GT(::read(client_.get(), read.data(), read.size()), 0);
    loop_.poller().poll(Duration{0});
  }
  EXPECT_LT(pieces, 100);
  read_all();
  EXPECT_TRUE(out_->has_room());
}

TEST_F(OutboxTest, FailsWhenTheSpoolDirectoryDoesNotExist) {
  settings_.spool_directory = "/nonexistent";
  out_->send({pattern(1'000'000, 'x')});
  EXPECT_TRUE(out_->failed());
}

/// A relay on that outbox.
class RelayTest : public OutboxTest {
 protected:
  std::string relayed(const http::RequestFacts& facts, const std::function<void(Relay&)>& answer) {
    Relay relay(*out_, changed_, facts, scratch_, clock_);
    answer(relay);
    EXPECT_TRUE(relay.over());
    keep_alive_ = relay.keep_alive();
    body_bytes_ = relay.body_bytes();
    reason_ = relay.reason();
    return read_all();
  }
  static std::string body_of(const std::string& response) {
    return response.substr(response.find("\r\n\r\n") + 4);
  }

  static constexpr http::RequestFacts kGet{
      .is_head = false, .minor_version = 1, .keep_alive = true};
  std::string scratch_;
  DateClock clock_;
  bool keep_alive_ = false;
  std::uint64_t body_bytes_ = 0;
  Reason reason_ = Reason::kOk;
};

TEST_F(RelayTest, AWholeAnswerGetsItsLength) {
  const std::string response =
      relayed(kGet, [](Relay& relay) { relay.start({200, "OK", {}}, "hello", true); });
  EXPECT_NE(response.find("Content-Length: 5\r\n"), std::string::npos);
  EXPECT_EQ(body_of(response), "hello");
  EXPECT_TRUE(keep_alive_);
}

TEST_F(RelayTest, AnAnswerOfUnknownLengthComesInChunks) {
  const std::string response = relayed(kGet, [](Relay& relay) {
    relay.start({200, "OK", {}}, "hello", false);
    relay.body("", false);
    relay.body("world", false);
    relay.body("", true);
  });
  EXPECT_NE(response.find("Transfer-Encoding: chunked\r\n"), std::string::npos);
  EXPECT_EQ(body_of(response), "5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n");
  EXPECT_EQ(body_bytes_, 10U);
}

TEST_F(RelayTest, NeverSendsMoreThanTheContentLength) {
  const std::array<http::Field, 1> fields{{{"Content-Length", "3"}}};
  const std::string response = relayed(kGet, [&fields](Relay& relay) {
    relay.start({200, "OK", fields}, "ab", false);
    relay.body("cdef", true);
  });
  EXPECT_EQ(body_of(response), "abc");
  EXPECT_TRUE(keep_alive_);
}

TEST_F(RelayTest, AnAnswerShorterThanItsLengthEndsTheConnection) {
  const std::array<http::Field, 1> fields{{{"Content-Length", "10"}}};
  relayed(kGet, [&fields](Relay& relay) {
    relay.start({200, "OK", fields}, "abc", false);
    relay.body("", true);
  });
  EXPECT_FALSE(keep_alive_);
}

TEST_F(RelayTest, HeadHasNoBody) {
  const http::RequestFacts head{.is_head = true, .minor_version = 1, .keep_alive = true};
  const std::string response =
      relayed(head, [](Relay& relay) { relay.start({200, "OK", {}}, "hello", true); });
  EXPECT_EQ(body_of(response), "");
  EXPECT_EQ(body_bytes_, 0U);
}

TEST_F(RelayTest, NothingOfAnInvalidHeadReachesTheClient) {
  const std::array<http::Field, 1> fields{{{"X-A", "b\r\nX-Injected: c"}}};
  const std::string response = relayed(kGet, [&fields](Relay& relay) {
    relay.start({200, "OK", fields}, "hello", false);
    relay.body("more", true);
  });
  EXPECT_EQ(response, "");
  EXPECT_EQ(reason_, Reason::kWorkerDied);
}

TEST_F(RelayTest, AnInvalidHeadThatBreaksOffIsStillTheWorkersFault) {
  const std::array<http::Field, 1> fields{{{"X-A", "b\nc"}}};
  const std::string response = relayed(kGet, [&fields](Relay& relay) {
    relay.start({200, "OK", fields}, "hello", false);
    relay.abort(Reason::kAppFailed);
  });
  EXPECT_EQ(response, "");
  EXPECT_EQ(reason_, Reason::kWorkerDied);
}

TEST_F(RelayTest, NothingFollowsAFile) {
  const std::array<http::Field, 1> fields{{{"Content-Length", "2000000"}}};
  relayed(kGet, [&fields, this](Relay& relay) {
    relay.start({200, "OK", fields}, "", false);
    relay.file(file_with(pattern(1'000'000, 'a')), 0, 1'000'000, false);
    relay.file(file_with("another"), 0, 7, false);
    relay.body("more", true);
  });
  EXPECT_FALSE(keep_alive_);
  EXPECT_EQ(reason_, Reason::kWorkerDied);
}

TEST_F(RelayTest, AfterTheClientLeftTheRestGoesNowhere) {
  const std::string response = relayed(kGet, [](Relay& relay) {
    relay.mute();
    relay.start({200, "OK", {}}, "hello", false);
    relay.body("more", true);
  });
  EXPECT_EQ(response, "");
}

}  // namespace
}  // namespace forebay::front
