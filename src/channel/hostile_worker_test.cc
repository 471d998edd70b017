#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
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

/// Server 0 is hostile: it writes into shared memory what it likes. Server 1 is honest.
class HostileWorker : public testing::TestWithParam<std::uint64_t> {
 protected:
  HostileWorker() {
    EXPECT_EQ(hostile_.end.claim()->ticket, taken_);
    EXPECT_EQ(honest_.end.claim()->ticket, of_other_);
    pad_to_the_end();  // so that the records of a test need no pad of their own
    EXPECT_TRUE(drain_all(front_).corrupt.empty());
  }

  [[nodiscard]] std::atomic<std::uint64_t>& tail() const { return hostile_.region.server(0).tail; }
  /// Writes bytes where the next record belongs, across the end of the ring if need be.
  void write(const void* bytes, std::size_t count) const {
    const std::uint64_t at = tail() % kRingBytes;
    const std::uint64_t to_end = std::min<std::uint64_t>(count, kRingBytes - at);
    std::byte* ring = hostile_.region.response_ring(0);
    std::memcpy(ring + at, bytes, to_end);
    std::memcpy(ring, static_cast<const std::byte*>(bytes) + to_end, count - to_end);
  }
  void commit(std::uint64_t bytes) const {
    tail() += bytes;
    hostile_.region.header().responding[0].fetch_or(1);
  }
  /// Commits a record of `payload` bytes with a header that says what it says.
  void send(const RecordHeader& header, std::uint64_t payload = 0) const {
    write(&header, sizeof(header));
    commit(sizeof(header) + payload);
  }
  void pad_to_the_end() const {
    const std::uint64_t pad = 0;
    write(&pad, sizeof(pad));
    commit((kRingBytes - tail() % kRingBytes) % kRingBytes);
  }
  [[nodiscard]] RecordHeader record(Ticket ticket, std::uint32_t bytes = 0) const {
    return {bytes, RecordType::kBody, 0, 0, ticket, 0};
  }

  /// The front has seen through server 0, drops its ring and still serves server 1.
  void expect_corrupt() {
    ASSERT_TRUE(honest_.end.try_write(of_other_, RecordType::kBody, 0, {bytes_of("honest")}));
    const Drained drained = drain_all(front_);
    EXPECT_EQ(drained.corrupt, std::vector<std::uint32_t>{0});
    ASSERT_EQ(drained.records.size(), 1U);
    EXPECT_EQ(drained.records[0].server, 1U);
    EXPECT_EQ(drained.records[0].payload, "honest");

    commit(0);
    const Drained again = drain_all(front_);
    EXPECT_TRUE(again.corrupt.empty()) << "it is told once";
    EXPECT_TRUE(again.records.empty());
    expect_fresh_after_forget();
  }
  /// After its death a successor works in the same place.
  void expect_fresh_after_forget() {
    front_.forget(0);
    TestServer successor(front_, 0);
    ASSERT_TRUE(successor.end.try_write(taken_, RecordType::kBody, 0, {bytes_of("fresh")}));
    const Drained drained = drain_all(front_);
    EXPECT_TRUE(drained.corrupt.empty());
    ASSERT_EQ(drained.records.size(), 1U);
    EXPECT_EQ(drained.records[0].payload, "fresh");
  }

  FrontEnd front_ = FrontEnd::create(small_geometry(GetParam(), 2)).value();
  Ticket taken_ = publish_text(front_, "for the hostile");
  Ticket of_other_ = publish_text(front_, "for the honest");
  Ticket ready_ = publish_text(front_, "for nobody yet");
  TestServer hostile_{front_, 0};
  TestServer honest_{front_, 1};
};
INSTANTIATE_TEST_SUITE_P(Counts, HostileWorker, testing::ValuesIn(kFirstCounts));

TEST_P(HostileWorker, IsHeardWhenItsRecordsAreRight) {
  send(record(taken_, 5), 8);
  const Drained drained = drain_all(front_);
  ASSERT_EQ(drained.records.size(), 1U);
  EXPECT_EQ(drained.records[0].payload.size(), 5U);
}

TEST_P(HostileWorker, CannotSpeakOfARequestOfAnother) {
  send(record(of_other_));
  expect_corrupt();
}

TEST_P(HostileWorker, CannotSpeakOfARequestThatNobodyHas) {
  send(record(ready_));
  expect_corrupt();
}

TEST_P(HostileWorker, CannotSpeakOfAnEarlierUseOfItsSlot) {
  send(record({taken_.slot, taken_.generation - 1}));
  expect_corrupt();
}

TEST_P(HostileWorker, CannotSpeakOfALaterUseOfItsSlot) {
  const SlotWord later{taken_.generation + 1, SlotState::kClaimed, 0};
  hostile_.region.slot(taken_.slot).word.store(later.pack());
  send(record(taken_));
  const Drained drained = drain_all(front_);
  EXPECT_EQ(drained.corrupt, std::vector<std::uint32_t>{0});
  EXPECT_TRUE(drained.records.empty()) << "claim_of() and the records tell the same story";
  EXPECT_FALSE(front_.claim_of(taken_));
}

TEST_P(HostileWorker, CannotSpeakOfASlotThatDoesNotExist) {
  send(record({7, taken_.generation}));
  expect_corrupt();
}

TEST_P(HostileWorker, CannotSpeakOfARequestThatIsOver) {
  const Ticket over = publish_text(front_, "over");
  ASSERT_TRUE(front_.cancel(over));
  send(record(over));
  expect_corrupt();
}

TEST_P(HostileWorker, CannotMakeUpATypeOfRecord) {
  RecordHeader header = record(taken_);
  header.type = RecordType{5};
  send(header);
  expect_corrupt();
}

TEST_P(HostileWorker, CannotClaimMoreBytesThanItCommitted) {
  for (const std::uint32_t bytes : {9U, kRecordMax, 0x7fff'ffffU, ~0U - 7, ~0U}) {
    send(record(taken_, bytes), 8);
    expect_corrupt();
  }
}

TEST_P(HostileWorker, CannotSendARecordBeyondTheLimit) {
  send(record(taken_, kRecordMax + 1), kRecordMax + 8);
  expect_corrupt();
}

TEST_P(HostileWorker, CannotCommitHalfAHeader) {
  const RecordHeader header = record(taken_);
  write(&header, sizeof(header));
  commit(16);
  expect_corrupt();
}

TEST_P(HostileWorker, CannotMoveItsTailByHalfASlice) {
  const RecordHeader header = record(taken_);
  write(&header, sizeof(header));
  commit(sizeof(header) + 1);
  expect_corrupt();
}

TEST_P(HostileWorker, CannotMoveItsTailBackOrBeyondTheRing) {
  const std::uint64_t start = tail();
  for (const std::uint64_t distance : {std::uint64_t{0} - 8, std::uint64_t{0} - kRingBytes,
                                       kRingBytes + 8, std::uint64_t{1} << 63}) {
    tail() = start + distance;
    commit(0);
    const Drained drained = drain_all(front_);
    EXPECT_EQ(drained.corrupt, std::vector<std::uint32_t>{0}) << distance;
    front_.forget(0);
  }
}

TEST_P(HostileWorker, CannotLetARecordRunOverTheEnd) {
  for (const std::uint64_t left : {8U, 16U, 24U, 32U}) {
    pad_to_the_end();
    ASSERT_TRUE(drain_all(front_).corrupt.empty());
    for (std::uint64_t to_go = kRingBytes - left; to_go != 0;) {
      const std::uint64_t step = to_go <= kRecordMax ? to_go : kRecordMax / 2;
      send(record(taken_, static_cast<std::uint32_t>(step - 24)), step - 24);
      ASSERT_EQ(drain_all(front_).records.size(), 1U);
      to_go -= step;
    }
    send(record(taken_, 16), 16);
    expect_corrupt();
  }
}

TEST_P(HostileWorker, CannotPadWithoutTheRestOfTheRing) {
  const std::uint64_t pad = 0;
  write(&pad, sizeof(pad));
  const std::uint64_t to_end = kRingBytes - tail() % kRingBytes;
  commit(to_end > 8 ? to_end - 8 : kRingBytes);
  expect_corrupt();
}

TEST_P(HostileWorker, CannotKeepTheFrontBusyWithPads) {
  std::vector<std::byte> zeros(kRingBytes);
  write(zeros.data(), zeros.size());
  commit(kRingBytes - tail() % kRingBytes);
  EXPECT_TRUE(drain_all(front_).records.empty());
  for (int i = 0; i < 100; ++i) {
    commit(kRingBytes);
    EXPECT_TRUE(drain_all(front_).records.empty());
  }
}

// A drain takes what was there when it began, however fast the worker produces.
TEST_P(HostileWorker, CannotKeepTheFrontBusyWithRecords) {
  send(record(taken_));
  std::uint64_t taken = 0;
  const std::size_t counted = front_.drain(
      [&](std::uint32_t, const Record&) {
        send(record(taken_));
        return ++taken < 1'000'000 ? Taken::kYes : Taken::kLater;
      },
      [](std::uint32_t) {});
  EXPECT_EQ(counted, 1U);
}

TEST_P(HostileWorker, CannotHurtTheFrontByWritingOverItsRingsHead) {
  hostile_.region.server(0).head = 12345;
  send(record(taken_));
  EXPECT_EQ(drain_all(front_).records.size(), 1U);
  EXPECT_EQ(hostile_.region.server(0).head, tail());
}

TEST_P(HostileWorker, IsTakenAtItsWordOrNotAtAllWhenTheRingIsRandom) {
  std::mt19937_64 random(4);
  std::vector<std::uint64_t> garbage(kRingBytes / 8);
  std::size_t corrupt = 0;
  for (int i = 0; i < 300; ++i) {
    // Few values, so that some headers are nearly right.
    std::ranges::generate(garbage, [&] {
      return random() % 4 == 0 ? random() : (random() % 3) << 32 | (random() % 64);
    });
    write(garbage.data(), garbage.size() * 8);
    commit(random() % kRingBytes / 8 * 8);
    ASSERT_TRUE(honest_.end.try_write(of_other_, RecordType::kBody, 0, {bytes_of("honest")}));
    const Drained drained = drain_all(front_);
    EXPECT_EQ(drained.records.back().payload, "honest");
    for (const TestRecord& record : drained.records) {
      EXPECT_EQ(record.ticket, record.server == 0 ? taken_ : of_other_);
      EXPECT_LE(record.payload.size(), kRecordMax);
    }
    corrupt += drained.corrupt.size();
    front_.forget(0);
  }
  EXPECT_GT(corrupt, 100U);
}

TEST_P(HostileWorker, CannotInventServers) {
  Header& header = hostile_.region.header();
  for (std::uint32_t i = 0; i < kServerWords; ++i) {
    header.idle[i] = ~std::uint64_t{0};
    header.responding[i] = ~std::uint64_t{0};
  }
  publish_text(front_, "x");
  front_.rehint();
  ASSERT_TRUE(honest_.end.try_write(of_other_, RecordType::kBody, 0, {bytes_of("honest")}));
  EXPECT_EQ(drain_all(front_).records.size(), 1U);
  EXPECT_TRUE(front_.announce_sleep());
  front_.close();
}

TEST_P(HostileWorker, CannotBreakTheFrontWithSlotWords) {
  std::mt19937_64 random(5);
  const std::vector<std::uint64_t> words{
      0,
      ~std::uint64_t{0},
      SlotWord{taken_.generation, SlotState{99}, 0}.pack(),
      SlotWord{taken_.generation, SlotState::kClaimed, 60000}.pack(),
      SlotWord{taken_.generation, SlotState::kFree, 0}.pack(),
      random()};
  for (const std::uint64_t word : words) {
    const Ticket ticket = publish_text(front_, "x");
    hostile_.region.slot(ticket.slot).word = word;
    EXPECT_FALSE(front_.cancel(ticket));
    (void)front_.claim_of(ticket);
    EXPECT_EQ(front_.owned_by(1).size(), 1U);
    front_.rehint();
    front_.finish(ticket);
    const Ticket next = publish_text(front_, "y");
    EXPECT_EQ(next.slot, ticket.slot);
    EXPECT_TRUE(front_.cancel(next)) << "the next use of the slot is sound";
  }
}

TEST_P(HostileWorker, CannotBreakTheFrontWithHints) {
  std::mt19937_64 random(6);
  for (int i = 0; i < 100; ++i) {
    for (std::uint64_t position = 0; position < 8; ++position) {
      hostile_.region.hint(position) = random();
    }
    EXPECT_TRUE(front_.cancel(publish_text(front_, "x")));
  }
}

TEST_P(HostileWorker, CannotStopTheFrontByMovingTheReadyHead) {
  Header& header = hostile_.region.header();
  for (const std::uint64_t distance :
       {std::uint64_t{0} - 1, std::uint64_t{0} - 1000, std::uint64_t{9}, std::uint64_t{1} << 63}) {
    header.ready_head = header.ready_tail - distance;
    const Ticket next = publish_text(front_, "next");
    EXPECT_LE(header.ready_tail - header.ready_head, 8U);
    const auto first = honest_.end.claim();
    ASSERT_TRUE(first);
    EXPECT_EQ(first->ticket, ready_) << "what was ready is hinted again";
    ASSERT_EQ(honest_.end.claim()->ticket, next);
    EXPECT_FALSE(honest_.end.claim());
    front_.finish(next);
    front_.finish(ready_);
    ready_ = publish_text(front_, "for nobody yet");
  }
}

bool inside(std::span<const std::byte> ring, std::span<const std::byte> payload) {
  return payload.data() >= ring.data() &&
         payload.data() + payload.size() <= ring.data() + ring.size();
}

[[noreturn]] void scribble(const Region& region) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::mt19937_64 random(7);
  std::atomic<std::uint64_t>& tail = region.server(0).tail;
  for (;;) {
    std::uint64_t value = random() % 2 == 0 ? random() : random() % 3 << 32 | random() % 64;
    std::memcpy(region.response_ring(0) + random() % (kRingBytes / 8) * 8, &value, sizeof(value));
    tail = random() % 16 == 0 ? random() : tail + random() % 4 * 8;
    region.header().responding[0].fetch_or(random());
    region.header().idle[0].fetch_or(random());
  }
}

TEST_P(HostileWorker, CannotDisturbOthersByWritingWhileTheFrontReads) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    scribble(hostile_.region);
  }
  ASSERT_GT(pid, 0);
  const std::span<const std::byte> ring = ring_of(front_, hostile_, 0);
  std::size_t honest = 0;
  for (int i = 0; i < 20'000; ++i) {
    ASSERT_TRUE(honest_.end.try_write(of_other_, RecordType::kBody, 0, {bytes_of("honest")}));
    front_.drain(
        [&](std::uint32_t server, const Record& record) {
          EXPECT_EQ(record.ticket, server == 0 ? taken_ : of_other_);
          EXPECT_LE(record.payload.size(), kRecordMax);
          EXPECT_TRUE(server == 1 || inside(ring, record.payload));
          honest += server == 1 ? 1 : 0;
          return Taken::kYes;
        },
        [](std::uint32_t server) { EXPECT_EQ(server, 0U); });
    front_.forget(0);
  }
  EXPECT_EQ(honest, 20'000U);
  ::kill(pid, SIGKILL);
  ASSERT_EQ(::waitpid(pid, nullptr, 0), pid);
}

}  // namespace
}  // namespace forebay::channel
