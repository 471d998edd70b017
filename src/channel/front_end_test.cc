#include "channel/front_end.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "channel/server_end.h"
#include "channel/test_support.h"

namespace forebay::channel {
namespace {

class ChannelRequests : public testing::TestWithParam<std::uint64_t> {
 protected:
  [[nodiscard]] SlotWord word(Ticket ticket) const {
    return SlotWord::unpack(server_.region.slot(ticket.slot).word.load());
  }

  Geometry geometry_ = small_geometry(GetParam(), 2);
  FrontEnd front_ = FrontEnd::create(geometry_).value();
  TestServer server_{front_, 1};
};
INSTANTIATE_TEST_SUITE_P(Counts, ChannelRequests, testing::ValuesIn(kFirstCounts));

TEST_P(ChannelRequests, TravelDownWholeWithHeadBodyAndFile) {
  const std::optional<Draft> draft = front_.reserve(8);
  ASSERT_TRUE(draft);
  std::ranges::copy(bytes_of("headbody"), draft->payload.begin());
  front_.publish(*draft, 4, 77);
  const auto claimed = server_.end.claim();
  ASSERT_TRUE(claimed);
  EXPECT_EQ(claimed->ticket, draft->ticket);
  EXPECT_EQ(text_of(claimed->head), "head");
  EXPECT_EQ(text_of(claimed->body), "body");
  EXPECT_EQ(claimed->file_bytes, 77U);
}

TEST_P(ChannelRequests, MayBeEmptyOrFillTheSlotExactly) {
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{kInlineBytes}}) {
    const std::string text(bytes, 'x');
    publish_text(front_, text);
    const auto claimed = server_.end.claim();
    ASSERT_TRUE(claimed);
    EXPECT_EQ(text_of(claimed->head), text);
    EXPECT_TRUE(claimed->body.empty());
    front_.finish(claimed->ticket);
  }
}

TEST_P(ChannelRequests, AreUnwantedOnceTheirClientHasLeftOrTheyAreOver) {
  const auto is_unwanted = [this](Ticket ticket) {
    return channel::is_unwanted(server_.region, 1, ticket);
  };
  const Ticket left = publish_text(front_, "x");
  EXPECT_TRUE(is_unwanted(left)) << "nobody has claimed it";
  ASSERT_TRUE(server_.end.claim());
  EXPECT_FALSE(is_unwanted(left));
  front_.client_left(left);
  EXPECT_TRUE(is_unwanted(left));
  front_.finish(left);
  EXPECT_TRUE(is_unwanted(left));
  const Ticket next = publish_text(front_, "x");
  ASSERT_EQ(next.slot, left.slot);
  ASSERT_TRUE(server_.end.claim());
  EXPECT_FALSE(is_unwanted(next));
  EXPECT_TRUE(is_unwanted(left)) << "the same place, but another request";
  EXPECT_TRUE(channel::is_unwanted(server_.region, 0, next)) << "another server's";
}

TEST_P(ChannelRequests, SayWhoRunsThemAndSinceWhen) {
  const Ticket ticket = publish_text(front_, "x");
  EXPECT_FALSE(front_.claim_of(ticket));
  const std::int64_t before = to_ns(Clock::now());
  const auto claimed = server_.end.claim();
  const auto claim = front_.claim_of(ticket);
  ASSERT_TRUE(claim);
  EXPECT_EQ(claim->server, 1U);
  EXPECT_EQ(claim->at_ns, claimed->claimed_at_ns);
  EXPECT_GE(claim->at_ns, before);
  EXPECT_LE(claim->at_ns, to_ns(Clock::now()));
}

TEST_P(ChannelRequests, GiveTheirSlotsBackWithANewGenerationEachTime) {
  Ticket last = publish_text(front_, "x");
  EXPECT_EQ(last.generation, static_cast<std::uint32_t>(GetParam()));
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(server_.end.claim());
    front_.finish(last);
    EXPECT_EQ(word(last).state, SlotState::kFree);
    EXPECT_EQ(front_.outstanding(), 0U);
    const Ticket next = publish_text(front_, "x");
    EXPECT_EQ(next.slot, last.slot) << "the slot used last is warm";
    EXPECT_EQ(next.generation, last.generation + 1);
    EXPECT_EQ(front_.claim_of(next), std::nullopt);
    last = next;
  }
}

TEST_P(ChannelRequests, CanBeTakenBackUntilAServerHasThem) {
  for (int i = 0; i < 20; ++i) {
    const Ticket early = publish_text(front_, "early");
    EXPECT_TRUE(front_.cancel(early));
    EXPECT_EQ(word(early).state, SlotState::kFree);
    EXPECT_EQ(word(early).generation, early.generation + 1);
    EXPECT_EQ(front_.outstanding(), 0U);
    const Ticket late = publish_text(front_, "late");
    ASSERT_TRUE(server_.end.claim());
    EXPECT_FALSE(front_.cancel(late));
    EXPECT_EQ(front_.outstanding(), 1U);
    front_.finish(late);
  }
}

TEST_P(ChannelRequests, ThatWereReservedMayBeGivenUp) {
  const std::optional<Draft> draft = front_.reserve(kInlineBytes + 1);
  ASSERT_TRUE(draft);
  front_.finish(draft->ticket);
  EXPECT_EQ(front_.outstanding(), 0U);
  EXPECT_FALSE(server_.end.claim());
}

TEST_P(ChannelRequests, ThatAreOverEndTheProcessWhenTheyAreUsedAgain) {
  const Ticket ticket = publish_text(front_, "x");
  EXPECT_TRUE(front_.cancel(ticket));
  EXPECT_DEATH(front_.finish(ticket), "CHECK failed");
  EXPECT_DEATH((void)front_.cancel(ticket), "CHECK failed");
  EXPECT_DEATH((void)front_.claim_of({geometry_.slots, 0}), "CHECK failed");
}

using Arena = ChannelRequests;
INSTANTIATE_TEST_SUITE_P(Counts, Arena, testing::ValuesIn(kFirstCounts));

TEST_P(Arena, CarriesWhatDoesNotFitIntoASlot) {
  std::string text(3 * kArenaPageBytes, 'x');
  for (std::size_t i = 0; i < text.size(); ++i) {
    text[i] = static_cast<char>(i * 31);
  }
  publish_text(front_, text);
  EXPECT_EQ(text_of(server_.end.claim()->head), text);
}

TEST_P(Arena, SaysNoWhenItIsExhaustedAndWorksAgainLater) {
  std::vector<Ticket> tickets;
  for (std::uint32_t i = 0; i < geometry_.arena_pages; ++i) {
    tickets.push_back(front_.reserve(kInlineBytes + 1).value().ticket);
  }
  EXPECT_FALSE(front_.reserve(kInlineBytes + 1));
  EXPECT_EQ(front_.outstanding(), geometry_.arena_pages) << "a refusal costs nothing";
  const std::optional<Draft> small = front_.reserve(kInlineBytes);
  EXPECT_TRUE(small) << "what fits into a slot needs no page";
  front_.finish(tickets[2]);
  EXPECT_TRUE(front_.reserve(kArenaPageBytes));
  EXPECT_FALSE(front_.reserve(kArenaPageBytes));
}

TEST_P(Arena, NeedsPagesThatLieTogether) {
  std::vector<Ticket> tickets;
  for (std::uint32_t i = 0; i < 4; ++i) {
    tickets.push_back(front_.reserve(kArenaPageBytes).value().ticket);
  }
  front_.finish(tickets[0]);
  front_.finish(tickets[2]);
  EXPECT_FALSE(front_.reserve(2 * kArenaPageBytes)) << "two free pages, apart";
  front_.finish(tickets[1]);
  EXPECT_TRUE(front_.reserve(2 * kArenaPageBytes + 1));
}

TEST_P(Arena, GetsPagesBackFromCancelAndFinish) {
  for (int i = 0; i < 50; ++i) {
    const Ticket ticket = publish_text(front_, std::string(4 * kArenaPageBytes, 'x'));
    EXPECT_FALSE(front_.reserve(kArenaPageBytes));
    if (i % 2 == 0) {
      ASSERT_TRUE(front_.cancel(ticket));
    } else {
      ASSERT_TRUE(server_.end.claim());
      front_.finish(ticket);
    }
  }
}

TEST_P(Arena, NeverGivesAPageTwice) {
  std::mt19937 random(1);
  std::deque<std::pair<Ticket, std::span<std::byte>>> held;
  for (int i = 0; i < 2000; ++i) {
    const std::optional<Draft> draft = front_.reserve(1 + random() % (3 * kArenaPageBytes));
    if (draft) {
      for (const auto& [ticket, bytes] : held) {
        EXPECT_TRUE(draft->payload.data() >= bytes.data() + bytes.size() ||
                    bytes.data() >= draft->payload.data() + draft->payload.size());
      }
      held.emplace_back(draft->ticket, draft->payload);
    }
    if (!draft || random() % 3 == 0) {
      std::swap(held.front(), held[random() % held.size()]);
      front_.finish(held.front().first);
      held.pop_front();
    }
  }
}

using ChannelDeath = ChannelRequests;
INSTANTIATE_TEST_SUITE_P(Counts, ChannelDeath, testing::ValuesIn(kFirstCounts));

TEST_P(ChannelDeath, LeavesAListOfWhatTheServerOwned) {
  TestServer other(front_, 0);
  const Ticket first = publish_text(front_, "x");
  publish_text(front_, "x");
  const Ticket third = publish_text(front_, "x");
  publish_text(front_, "x");
  ASSERT_TRUE(server_.end.claim());
  ASSERT_TRUE(other.end.claim());
  ASSERT_TRUE(server_.end.claim());
  const auto owned = front_.owned_by(1);
  ASSERT_EQ(owned.size(), 2U);
  EXPECT_EQ(owned[0], first);
  EXPECT_EQ(owned[1], third);
  front_.finish(first);
  EXPECT_EQ(front_.owned_by(1).size(), 1U);
}

TEST_P(ChannelDeath, LosesNothingThatWasCommittedAndNeverAnnounced) {
  const Ticket ticket = publish_text(front_, "x");
  ASSERT_TRUE(server_.end.claim());
  ASSERT_TRUE(server_.end.try_write(ticket, RecordType::kNothing, kDone, {}));
  server_.region.header().responding[0].store(0);  // killed before the announcement
  std::vector<TestRecord> records;
  EXPECT_EQ(drain_all(front_).records.size(), 0U);
  front_.drain_server(
      1,
      [&](std::uint32_t server, const Record& record) {
        records.emplace_back(server, record);
        return Taken::kYes;
      },
      [](std::uint32_t) { FAIL(); });
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].ticket, ticket);
}

TEST_P(ChannelDeath, LeavesAFreshRingToTheSuccessor) {
  const Ticket ticket = publish_text(front_, "x");
  ASSERT_TRUE(server_.end.claim());
  ASSERT_TRUE(server_.end.try_write(ticket, RecordType::kBody, 0, {bytes_of("half")}));
  server_.region.server(1).asleep.store(1);
  server_.region.server(1).wants_room.store(1);
  server_.region.header().idle[0].fetch_or(2);
  front_.finish(ticket);
  front_.forget(1);
  EXPECT_EQ(server_.region.header().idle[0].load(), 0U);
  EXPECT_EQ(server_.region.server(1).asleep.load(), 0U);
  EXPECT_EQ(server_.region.server(1).wants_room.load(), 0U);
  EXPECT_TRUE(drain_all(front_).records.empty());

  TestServer successor(front_, 1);
  const Ticket next = publish_text(front_, "y");
  ASSERT_TRUE(successor.end.claim());
  ASSERT_TRUE(successor.end.try_write(next, RecordType::kBody, kDone, {bytes_of("whole")}));
  const Drained drained = drain_all(front_);
  ASSERT_EQ(drained.records.size(), 1U);
  EXPECT_EQ(drained.records[0].payload, "whole");
}

}  // namespace
}  // namespace forebay::channel
