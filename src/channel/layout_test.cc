#include "channel/layout.h"

#include <cstddef>
#include <cstdint>
#include <limits>

#include <gtest/gtest.h>

namespace forebay::channel {
namespace {

TEST(SlotWords, KeepTheirPartsApart) {
  for (const std::uint32_t generation : {0U, 1U, std::numeric_limits<std::uint32_t>::max()}) {
    for (const SlotState state : {SlotState::kFree, SlotState::kReady, SlotState::kClaimed}) {
      for (const std::uint16_t owner : {std::uint16_t{0}, std::uint16_t{kMaxServers - 1},
                                        std::numeric_limits<std::uint16_t>::max()}) {
        const SlotWord word = SlotWord::unpack(SlotWord{generation, state, owner}.pack());
        EXPECT_EQ(word.generation, generation);
        EXPECT_EQ(word.state, state);
        EXPECT_EQ(word.owner, owner);
      }
    }
  }
}

TEST(SlotWords, HaveThePlacesThatTheAbiNames) {
  EXPECT_EQ((SlotWord{0x01020304, SlotState::kClaimed, 0x0506}.pack()), 0x0102030400020506U);
}

TEST(SlotWords, CanNameEveryServer) {
  EXPECT_LE(kMaxServers - 1, std::numeric_limits<std::uint16_t>::max());
}

TEST(Tickets, KeepSlotAndGenerationApart) {
  for (const Ticket ticket : {Ticket{0, 0}, Ticket{~0U, 0}, Ticket{0, ~0U}, Ticket{7, 9}}) {
    EXPECT_EQ(Ticket::unpack(ticket.pack()), ticket);
  }
  EXPECT_NE((Ticket{1, 2}.pack()), (Ticket{2, 1}.pack()));
}

// What both sides are compiled with. Whoever changes a number here raises kAbi.
TEST(Layout, IsThatOfAbiTwo) {
  EXPECT_EQ(kAbi, 2U);
  EXPECT_EQ(sizeof(RecordHeader), 24U);
  EXPECT_EQ(offsetof(RecordHeader, ticket), 8U);
  EXPECT_EQ(offsetof(RecordHeader, at_ns), 16U);
  EXPECT_EQ(sizeof(Slot), 64U + kInlineBytes);
  EXPECT_EQ(sizeof(Server), 192U);
  EXPECT_EQ(sizeof(Header), 512U);
}

TEST(Layout, KeepsWhatDifferentSidesWriteOnDifferentCacheLines) {
  EXPECT_NE(offsetof(Header, ready_head) / 64, offsetof(Header, ready_tail) / 64);
  EXPECT_NE(offsetof(Header, idle) / 64, offsetof(Header, responding) / 64);
  EXPECT_NE(offsetof(Server, head) / 64, offsetof(Server, tail) / 64);
  EXPECT_NE(offsetof(Server, head) / 64, offsetof(Server, asleep) / 64);
}

TEST(Layout, LetsTwoLargestRecordsIntoTheSmallestRing) {
  EXPECT_LE(2 * (sizeof(RecordHeader) + kRecordMax), kResponseRingMin / 2);
}

}  // namespace
}  // namespace forebay::channel
