#include <unistd.h>

#include <cstdint>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "channel/front_end.h"
#include "channel/server_end.h"
#include "channel/test_support.h"

namespace forebay::channel {
namespace {

constexpr std::uint64_t kRingBytes = kResponseRingMin;

constexpr std::uint64_t record_bytes(std::uint64_t payload) {
  return (sizeof(RecordHeader) + payload + kRecordAlign - 1) / kRecordAlign * kRecordAlign;
}

class ResponseRing : public testing::TestWithParam<std::uint64_t> {
 protected:
  ResponseRing() : ticket_(publish_text(front_, "x")) { EXPECT_TRUE(server_.end.claim()); }

  bool write(std::string_view payload, std::uint8_t flags = 0) {
    return server_.end.try_write(ticket_, RecordType::kBody, flags, {bytes_of(payload)});
  }
  std::vector<std::string> drain() {
    std::vector<std::string> payloads;
    for (const TestRecord& record : drain_all(front_).records) {
      payloads.push_back(record.payload);
    }
    return payloads;
  }
  /// Brings the ring's next position to `offset`, with the ring empty.
  void go_to(std::uint64_t offset) {
    while (at() != offset) {
      if (at() + sizeof(RecordHeader) <= offset) {
        advance(offset - at());
      } else if (at() + sizeof(RecordHeader) <= kRingBytes) {
        advance(kRingBytes - at());
      } else {
        ASSERT_TRUE(write(""));  // behind a pad
        ASSERT_EQ(drain().size(), 1U);
      }
    }
  }
  void advance(std::uint64_t bytes) {
    while (bytes != 0) {
      const std::uint64_t step = bytes <= kRecordMax ? bytes : kRecordMax / 2;
      ASSERT_TRUE(write(std::string(step - sizeof(RecordHeader), '-')));
      ASSERT_EQ(drain().size(), 1U);
      bytes -= step;
    }
  }
  [[nodiscard]] std::uint64_t at() const { return server_.region.server(0).tail % kRingBytes; }

  FrontEnd front_ = FrontEnd::create(small_geometry(GetParam())).value();
  TestServer server_{front_, 0};
  Ticket ticket_;
};
INSTANTIATE_TEST_SUITE_P(Counts, ResponseRing, testing::ValuesIn(kFirstCounts));

TEST_P(ResponseRing, CarriesARecordWithAllItSays) {
  const std::int64_t before = to_ns(Clock::now());
  ASSERT_TRUE(server_.end.try_write(ticket_, RecordType::kResponse, kEnd | kDone,
                                    {bytes_of("he"), {}, bytes_of("ad")}));
  const Drained drained = drain_all(front_);
  ASSERT_EQ(drained.records.size(), 1U);
  const TestRecord& record = drained.records[0];
  EXPECT_EQ(record.ticket, ticket_);
  EXPECT_EQ(record.type, RecordType::kResponse);
  EXPECT_EQ(record.flags, kEnd | kDone);
  EXPECT_EQ(record.payload, "head");
  EXPECT_GE(record.at_ns, before);
  EXPECT_LE(record.at_ns, to_ns(Clock::now()));
}

TEST_P(ResponseRing, StampsOnlyTheRecordThatFreesTheServer) {
  ASSERT_TRUE(write("x", kEnd));
  EXPECT_EQ(drain_all(front_).records.at(0).at_ns, 0);
}

TEST_P(ResponseRing, CarriesRecordsOfNoneOneAndAllBytes) {
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{7}, std::size_t{8},
                                  std::size_t{9}, std::size_t{kRecordMax}}) {
    const std::string payload(bytes, 'x');
    ASSERT_TRUE(write(payload));
    EXPECT_EQ(drain(), std::vector{payload});
  }
  EXPECT_DEATH((void)write(std::string(kRecordMax + 1, 'x')), "CHECK failed");
}

TEST_P(ResponseRing, PadsItsEndWhateverIsLeftThere) {
  for (std::uint64_t left = 8; left <= 80; left += 8) {
    for (const std::uint64_t bytes : {0U, 8U, 16U, 48U, 56U, 57U}) {
      go_to(kRingBytes - left);
      const bool fits = record_bytes(bytes) <= left;
      const std::string payload(bytes, 'x');
      ASSERT_TRUE(write(payload));
      EXPECT_EQ(at(), fits ? (kRingBytes - left + record_bytes(bytes)) % kRingBytes
                           : record_bytes(bytes));
      ASSERT_TRUE(write("next"));
      EXPECT_EQ(drain(), (std::vector<std::string>{payload, "next"}));
    }
  }
}

TEST_P(ResponseRing, FillsToTheLastByteAndHasRoomAgain) {
  go_to(0);
  const std::string payload(1024 - sizeof(RecordHeader), 'x');
  for (int round = 0; round < 5; ++round) {
    for (std::uint64_t i = 0; i < kRingBytes / 1024; ++i) {
      ASSERT_TRUE(write(payload)) << i;
    }
    EXPECT_FALSE(write(""));
    EXPECT_EQ(drain().size(), kRingBytes / 1024);
  }
  EXPECT_TRUE(write(""));
}

TEST_P(ResponseRing, RefusesARecordWhosePadHasNoRoom) {
  const std::string large(kRecordMax, 'x');
  go_to(kRingBytes - 1024);
  ASSERT_TRUE(write(std::string(1024 - sizeof(RecordHeader), 'x')));  // ends exactly at the end
  ASSERT_TRUE(write(large));
  ASSERT_TRUE(write(large));
  ASSERT_TRUE(write(large));
  EXPECT_FALSE(write(large)) << "it would have to be padded over what is not read yet";
  EXPECT_TRUE(write("small")) << "what fits still goes";
  EXPECT_EQ(drain().size(), 5U);
  EXPECT_TRUE(write(large));
}

TEST_P(ResponseRing, HasRoomForTheLargestRecordWhenItIsHalfEmpty) {
  std::mt19937 random(2);
  std::uint64_t used = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::uint64_t head = server_.region.server(0).head;
    used = server_.region.server(0).tail - head;
    if (used <= kRingBytes / 2) {
      ASSERT_TRUE(write(std::string(kRecordMax, 'x'))) << used;
    } else {
      drain();
    }
    (void)write(std::string(random() % 500, 'y'));
  }
}

TEST_P(ResponseRing, KeepsBytesAndOrderThroughManyLaps) {
  std::mt19937 random(3);
  std::deque<std::string> sent;
  for (int i = 0; i < 20'000; ++i) {
    const std::string payload(random() % 2 == 0 ? random() % 100 : random() % 4000,
                              static_cast<char>('a' + i % 26));
    if (write(payload)) {
      sent.push_back(payload);
    } else {
      for (const std::string& got : drain()) {
        ASSERT_EQ(got, sent.front());
        sent.pop_front();
      }
      ASSERT_TRUE(sent.empty());
    }
  }
}

TEST_P(ResponseRing, LeavesWhatTheSinkDoesNotWantYet) {
  ASSERT_TRUE(write("one"));
  ASSERT_TRUE(write("two"));
  ASSERT_TRUE(write("three"));
  std::vector<std::string> taken;
  auto take_one_more = [&, offered = 0](std::uint32_t, const Record& record) mutable {
    if (++offered % 2 == 0) {
      return Taken::kLater;
    }
    taken.push_back(text_of(record.payload));
    return Taken::kYes;
  };
  const auto not_corrupt = [](std::uint32_t) { FAIL(); };
  EXPECT_EQ(front_.drain(take_one_more, not_corrupt), 1U);
  EXPECT_TRUE(front_.announce_sleep()) << "who is held back does not keep the front awake";
  front_.awake();
  EXPECT_EQ(front_.drain(take_one_more, not_corrupt), 1U) << "and needs no new announcement";
  EXPECT_EQ(drain(), std::vector<std::string>{"three"});
  EXPECT_EQ(taken, (std::vector<std::string>{"one", "two"}));
}

TEST_P(ResponseRing, TellsAServerThatWaitsForRoom) {
  while (write(std::string(1000, 'x'))) {
  }
  server_.region.server(0).wants_room.store(1);
  EXPECT_FALSE(drain().empty());
  EXPECT_EQ(server_.region.server(0).wants_room.load(), 0U);
  EXPECT_EQ(server_.region.server(0).head.load(), server_.region.server(0).tail.load());
}

TEST_P(ResponseRing, DoesNotLetTheFrontSleepOverARecord) {
  EXPECT_TRUE(front_.announce_sleep());
  front_.awake();
  ASSERT_TRUE(write("x"));
  EXPECT_FALSE(front_.announce_sleep());
  EXPECT_EQ(server_.region.header().front_asleep.load(), 0U) << "it is awake and has said so";
  EXPECT_EQ(drain().size(), 1U);
  EXPECT_TRUE(front_.announce_sleep());
}

TEST_P(ResponseRing, WakesASleepingFrontOnce) {
  std::uint64_t wakes = 0;
  ASSERT_TRUE(front_.announce_sleep());
  ASSERT_TRUE(write("x"));
  ASSERT_TRUE(write("y"));
  ASSERT_EQ(::read(front_.wake_fd(), &wakes, sizeof(wakes)), 8);
  EXPECT_EQ(wakes, 1U);
  front_.awake();
  ASSERT_TRUE(write("z"));
  EXPECT_LT(::read(front_.wake_fd(), &wakes, sizeof(wakes)), 0) << "it does not sleep";
}

}  // namespace
}  // namespace forebay::channel
