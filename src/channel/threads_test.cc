#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "channel/front_end.h"
#include "channel/server_end.h"
#include "channel/test_support.h"

namespace forebay::channel {
namespace {

constexpr std::uint64_t kRequests = kSanitized ? 6'000 : 60'000;
/// A wait that lasts this long was ended by its limit, not by a wake.
constexpr std::chrono::milliseconds kStall{900};

/// A request: what it is, and how long a response it wants.
struct Wanted {
  std::uint64_t id = 0;
  std::uint32_t response_bytes = 0;
  std::int64_t published_at_ns = 0;
};

/// Byte `at` of whatever belongs to `id`: a request's filling, a response.
std::byte pattern(std::uint64_t id, std::uint64_t at) {
  return static_cast<std::byte>(id * 7 + at * 13 + (at >> 8));
}

void fill(std::span<std::byte> out, std::uint64_t id, std::uint64_t first) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = pattern(id, first + i);
  }
}

bool matches(std::span<const std::byte> bytes, std::uint64_t id, std::uint64_t first) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] != pattern(id, first + i)) {
      return false;
    }
  }
  return true;
}

/// What the threads of one run count.
struct Counts {
  explicit Counts(std::uint64_t requests) : claims(requests) {}

  std::vector<std::atomic<std::uint8_t>> claims;  // per request
  std::atomic<std::uint64_t> lost_wakes = 0;
  std::atomic<std::uint64_t> damaged = 0;
  std::atomic<std::uint64_t> sleeps = 0;
  std::atomic<std::uint64_t> waits_for_room = 0;
};

/// A server's thread: claims, checks, answers in records of random sizes.
class ServerThread {
 public:
  ServerThread(const FrontEnd& front, std::uint32_t index, Counts& counts)
      : channel_(front, index), counts_(counts), random_(index) {}

  void run() {
    Duration slept{};
    for (;;) {
      const auto claimed = channel_.end.claim();
      if (claimed) {
        answer(*claimed, slept);
        slept = {};
      } else if (channel_.end.closing()) {
        return;
      } else {
        const TimePoint before = Clock::now();
        channel_.end.wait_ready();
        slept = Clock::now() - before;
        counts_.sleeps += slept > std::chrono::microseconds(50) ? 1 : 0;
      }
    }
  }

 private:
  void answer(const Claimed& claimed, Duration slept) {
    Wanted wanted;
    std::memcpy(&wanted, claimed.head.data(), sizeof(wanted));
    const std::int64_t waited = claimed.claimed_at_ns - wanted.published_at_ns;
    counts_.lost_wakes += slept > kStall && Duration(waited) > kStall / 2 ? 1 : 0;
    counts_.damaged += matches(claimed.body, wanted.id, 0) ? 0 : 1;
    ++counts_.claims.at(wanted.id);

    for (std::uint64_t sent = 0;;) {
      const std::uint64_t left = wanted.response_bytes - sent;
      const auto bytes = static_cast<std::size_t>(
          std::min<std::uint64_t>(left, random_() % 8 == 0 ? kRecordMax : random_() % 4096));
      fill(std::span(buffer_).first(bytes), wanted.id, sent);
      sent += bytes;
      const bool last = sent == wanted.response_bytes;
      write(claimed.ticket, last ? kEnd | kDone : 0, std::span(buffer_).first(bytes));
      if (last) {
        return;
      }
    }
  }

  void write(Ticket ticket, int flags, std::span<const std::byte> bytes) {
    while (!channel_.end.try_write(ticket, RecordType::kBody, static_cast<std::uint8_t>(flags),
                                   {bytes})) {
      const TimePoint before = Clock::now();
      ++counts_.waits_for_room;
      channel_.end.wait_room();
      counts_.lost_wakes += Clock::now() - before > kStall ? 1 : 0;
    }
  }

  TestServer channel_;
  Counts& counts_;
  std::mt19937 random_;
  std::vector<std::byte> buffer_ = std::vector<std::byte>(kRecordMax);
};

/// The front's thread: publishes, cancels, drains, sleeps.
class FrontThread {
 public:
  FrontThread(FrontEnd& channel, Counts& counts) : channel_(channel), counts_(counts) {}

  void run() {
    while (over_ < kRequests) {
      publish();
      cancel_one();
      held_back_ = false;
      const std::size_t taken =
          channel_.drain([this](std::uint32_t, const Record& record) { return take(record); },
                         [this](std::uint32_t) { ++corrupt; });
      if (taken == 0 && !held_back_ && channel_.outstanding() != 0) {
        sleep();
      }
    }
    channel_.close();
  }

  [[nodiscard]] bool each_ran_once_unless_cancelled() const {
    for (std::uint64_t id = 0; id < kRequests; ++id) {
      if (counts_.claims[id] != (requests_[id].cancelled ? 0 : 1)) {
        return false;
      }
    }
    return true;
  }

  std::uint64_t answered = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t corrupt = 0;
  std::uint64_t sleeps = 0;
  std::uint64_t stalls = 0;

 private:
  /// Now a full house, now one request at a time, so that both sides really go to sleep.
  void publish() {
    const std::uint64_t most = next_ / 512 % 2 == 0 ? 1 : 64;
    while (next_ < kRequests && channel_.outstanding() < most) {
      const std::uint32_t kind = random_() % 1000;
      const std::size_t body = kind == 0 ? 100'000 : random_() % 300;
      const auto draft = channel_.reserve(sizeof(Wanted) + body);
      if (!draft) {
        return;
      }
      const std::uint32_t response = kind < 5    ? random_() % 400'000
                                     : kind < 80 ? random_() % 5'000
                                                 : random_() % 100;
      const Wanted wanted{next_, response, to_ns(Clock::now())};
      std::memcpy(draft->payload.data(), &wanted, sizeof(wanted));
      fill(draft->payload.subspan(sizeof(wanted)), next_, 0);
      requests_.push_back({.ticket = draft->ticket, .wanted = response});
      ids_[draft->ticket.slot] = next_;
      channel_.publish(*draft, sizeof(wanted), 0);
      ++next_;
    }
  }

  void cancel_one() {
    if (next_ == 0 || random_() % 4 != 0) {
      return;
    }
    const std::uint64_t id = next_ - 1 - std::min<std::uint64_t>(random_() % 16, next_ - 1);
    if (!requests_[id].over && channel_.cancel(requests_[id].ticket)) {
      requests_[id].over = true;
      requests_[id].cancelled = true;
      ++cancelled;
      ++over_;
    }
  }

  Taken take(const Record& record) {
    const std::uint64_t id = ids_.at(record.ticket.slot);
    Request& request = requests_.at(id);
    // The first response that is too long for the ring is left there until its server waits.
    const bool wait_for_waiting = request.wanted > kResponseRingMin && counts_.waits_for_room == 0;
    if (wait_for_waiting || random_() % 64 == 0) {
      held_back_ = true;
      return Taken::kLater;
    }
    counts_.damaged += request.ticket == record.ticket ? 0 : 1;
    counts_.damaged += matches(record.payload, id, request.received) ? 0 : 1;
    request.received += record.payload.size();
    if ((record.flags & kDone) != 0) {
      counts_.damaged += request.over || request.received != request.wanted ? 1 : 0;
      request.over = true;
      channel_.finish(record.ticket);
      ++answered;
      ++over_;
    }
    return Taken::kYes;
  }

  void sleep() {
    if (!channel_.announce_sleep()) {
      return;
    }
    pollfd wake{channel_.wake_fd(), POLLIN, 0};
    ++sleeps;
    if (::poll(&wake, 1, 1000) == 0) {
      ++stalls;
    }
    std::uint64_t wakes = 0;
    [[maybe_unused]] const ssize_t ignored = ::read(channel_.wake_fd(), &wakes, sizeof(wakes));
    channel_.awake();
  }

  struct Request {
    Ticket ticket;
    std::uint64_t wanted = 0;
    std::uint64_t received = 0;
    bool over = false;
    bool cancelled = false;
  };

  FrontEnd& channel_;
  Counts& counts_;
  std::mt19937 random_{1};
  std::vector<Request> requests_;
  std::vector<std::uint64_t> ids_ = std::vector<std::uint64_t>(channel_.slots());
  std::uint64_t next_ = 0;
  std::uint64_t over_ = 0;
  bool held_back_ = false;
};

struct Run {
  std::uint32_t servers;
  std::uint64_t first_count;
};

class ChannelThreads : public testing::TestWithParam<Run> {};
INSTANTIATE_TEST_SUITE_P(Runs, ChannelThreads,
                         testing::Values(Run{2, kFirstCounts[0]}, Run{2, kFirstCounts[1]},
                                         Run{4, kFirstCounts[2]}, Run{8, kFirstCounts[1]}));

TEST_P(ChannelThreads, LoseNothingDoubleNothingAndMissNoWake) {
  const std::uint32_t servers = GetParam().servers;
  Geometry geometry = small_geometry(GetParam().first_count, servers);
  geometry.slots = servers * 3;
  geometry.ready_capacity = 32;  // full of cancelled requests again and again
  FrontEnd channel = FrontEnd::create(geometry).value();
  Counts counts(kRequests);
  FrontThread front(channel, counts);
  {
    std::vector<std::unique_ptr<ServerThread>> ends;
    std::vector<std::jthread> threads;
    for (std::uint32_t i = 0; i < servers; ++i) {
      ends.push_back(std::make_unique<ServerThread>(channel, i, counts));
    }
    for (const auto& end : ends) {
      threads.emplace_back([&end] { end->run(); });
    }
    front.run();
  }
  EXPECT_EQ(front.answered + front.cancelled, kRequests);
  EXPECT_TRUE(front.each_ran_once_unless_cancelled());
  EXPECT_EQ(channel.outstanding(), 0U);
  EXPECT_EQ(front.corrupt, 0U);
  EXPECT_EQ(counts.damaged, 0U);
  EXPECT_EQ(front.stalls, 0U);
  EXPECT_EQ(counts.lost_wakes, 0U);
  EXPECT_GT(front.cancelled, 0U);
  EXPECT_GT(front.sleeps, 0U);
  EXPECT_GT(counts.sleeps, 0U);
  EXPECT_GT(counts.waits_for_room, 0U);
  RecordProperty("front_sleeps", std::to_string(front.sleeps));
  RecordProperty("server_sleeps", std::to_string(counts.sleeps));
  RecordProperty("waits_for_room", std::to_string(counts.waits_for_room));
  RecordProperty("cancelled", std::to_string(front.cancelled));
}

}  // namespace
}  // namespace forebay::channel
