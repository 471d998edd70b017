#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "channel/front_end.h"
#include "channel/server_end.h"
#include "channel/test_support.h"

namespace forebay::channel {
namespace {

class ReadyRing : public testing::TestWithParam<std::uint64_t> {
 protected:
  /// What a server has announced when it is about to sleep.
  void announce(std::uint32_t server) const {
    first_.region.server(server).asleep.store(1);
    first_.region.header().idle[0].fetch_or(std::uint64_t{1} << server);
  }
  [[nodiscard]] bool asleep(std::uint32_t server) const {
    return first_.region.server(server).asleep.load() != 0;
  }
  /// Fills the ring up with hints of requests that are gone.
  void fill_with_stale_hints() {
    while (hints() < geometry_.ready_capacity) {
      ASSERT_TRUE(front_.cancel(publish_text(front_, "gone")));
    }
  }
  [[nodiscard]] std::uint64_t hints() const {
    const Header& header = first_.region.header();
    return header.ready_tail.load() - header.ready_head.load();
  }

  Geometry geometry_ = small_geometry(GetParam(), 3);
  FrontEnd front_ = FrontEnd::create(geometry_).value();
  TestServer first_{front_, 0};
  TestServer second_{front_, 1};
};
INSTANTIATE_TEST_SUITE_P(Counts, ReadyRing, testing::ValuesIn(kFirstCounts));

TEST_P(ReadyRing, NudgingWakesAnotherServerWhenTheFirstIsHeldUp) {
  announce(0);
  announce(1);
  EXPECT_FALSE(front_.nudge()) << "nothing is ready";
  publish_text(front_, "one");
  EXPECT_FALSE(asleep(0));
  EXPECT_TRUE(asleep(1));
  EXPECT_TRUE(front_.nudge());
  EXPECT_FALSE(asleep(1));
  EXPECT_FALSE(front_.nudge()) << "nobody sleeps";
}

TEST_P(ReadyRing, IsEmptyAtFirst) {
  EXPECT_FALSE(first_.end.ready());
  EXPECT_FALSE(first_.end.claim());
  EXPECT_EQ(front_.outstanding(), 0U);
}

TEST_P(ReadyRing, GivesRequestsInTheirOrderAcrossEveryWrap) {
  for (int round = 0; round < 50; ++round) {
    std::vector<Ticket> tickets;
    for (int i = 0; i < 5; ++i) {
      tickets.push_back(publish_text(front_, std::to_string(round * 5 + i)));
    }
    for (int i = 0; i < 5; ++i) {
      const auto claimed = (i % 2 == 0 ? first_ : second_).end.claim();
      ASSERT_TRUE(claimed);
      EXPECT_EQ(claimed->ticket, tickets[static_cast<std::size_t>(i)]);
      EXPECT_EQ(text_of(claimed->head), std::to_string(round * 5 + i));
      front_.finish(claimed->ticket);
    }
    EXPECT_FALSE(first_.end.ready());
  }
}

TEST_P(ReadyRing, GivesEachRequestToOneServer) {
  publish_text(front_, "only");
  EXPECT_TRUE(first_.end.claim());
  EXPECT_FALSE(second_.end.claim());
}

TEST_P(ReadyRing, SkipsCancelledRequests) {
  const Ticket gone = publish_text(front_, "gone");
  const Ticket stays = publish_text(front_, "stays");
  EXPECT_TRUE(front_.cancel(gone));
  const auto claimed = first_.end.claim();
  ASSERT_TRUE(claimed);
  EXPECT_EQ(claimed->ticket, stays);
}

TEST_P(ReadyRing, SkipsAHintWhoseSlotServesAnotherRequestByNow) {
  const Ticket gone = publish_text(front_, "gone");
  EXPECT_TRUE(front_.cancel(gone));
  const Ticket next = publish_text(front_, "next");
  ASSERT_EQ(next.slot, gone.slot);
  EXPECT_EQ(next.generation, gone.generation + 1);
  const auto claimed = first_.end.claim();
  ASSERT_TRUE(claimed);
  EXPECT_EQ(claimed->ticket, next);
  EXPECT_FALSE(second_.end.claim());
}

TEST_P(ReadyRing, IsSweptWhenItIsFullOfStaleHints) {
  for (int i = 0; i < 1000; ++i) {
    EXPECT_TRUE(front_.cancel(publish_text(front_, "gone")));
  }
  const Ticket stays = publish_text(front_, "stays");
  EXPECT_EQ(first_.end.claim()->ticket, stays);
  EXPECT_FALSE(first_.end.claim());
}

TEST_P(ReadyRing, KeepsTheOrderOfTheLivingInASweep) {
  std::vector<Ticket> living;
  for (int i = 0; i < 4; ++i) {
    living.push_back(publish_text(front_, "stays"));
    EXPECT_TRUE(front_.cancel(publish_text(front_, "gone")));
  }
  ASSERT_EQ(hints(), geometry_.ready_capacity);
  living.push_back(publish_text(front_, "stays"));
  EXPECT_EQ(hints(), living.size());
  for (const Ticket& ticket : living) {
    EXPECT_EQ(first_.end.claim()->ticket, ticket);
  }
  EXPECT_FALSE(first_.end.claim());
}

// While a sweep holds the hints, the ring looks empty: who looks then goes to sleep.
TEST_P(ReadyRing, WakesAServerForEveryRequestThatASweepHintsAgain) {
  publish_text(front_, "first");
  publish_text(front_, "second");
  fill_with_stale_hints();
  for (std::uint32_t server = 0; server < 3; ++server) {
    announce(server);
  }
  publish_text(front_, "third");
  for (std::uint32_t server = 0; server < 3; ++server) {
    EXPECT_FALSE(asleep(server)) << server;
  }
}

TEST_P(ReadyRing, WakesOneServerForARequestTheLowestFirst) {
  announce(1);
  announce(2);
  publish_text(front_, "first");
  EXPECT_FALSE(asleep(1));
  EXPECT_TRUE(asleep(2));
  publish_text(front_, "second");
  EXPECT_FALSE(asleep(2));
}

TEST_P(ReadyRing, WakesEveryServerToLeave) {
  announce(0);
  announce(2);
  EXPECT_FALSE(first_.end.closing());
  front_.close();
  EXPECT_TRUE(first_.end.closing());
  EXPECT_FALSE(asleep(0));
  EXPECT_FALSE(asleep(2));
  first_.end.wait_ready();  // does not sleep
}

TEST_P(ReadyRing, HoldsAsManyRequestsAsThereAreSlots) {
  for (std::uint32_t i = 0; i < geometry_.slots; ++i) {
    publish_text(front_, std::to_string(i));
  }
  EXPECT_EQ(front_.outstanding(), geometry_.slots);
  EXPECT_FALSE(front_.reserve(0));
  EXPECT_EQ(text_of(first_.end.claim()->head), "0");
  EXPECT_FALSE(front_.reserve(0)) << "a claimed request keeps its slot";
}

TEST_P(ReadyRing, HintsTheReadyAgainAfterADeath) {
  const Ticket lost = publish_text(front_, "lost");
  const Ticket other = publish_text(front_, "other");
  // A worker that takes the hint and dies before it claims the slot.
  first_.region.header().ready_head.fetch_add(1);
  announce(1);
  announce(2);
  front_.rehint();
  EXPECT_FALSE(asleep(1));
  EXPECT_FALSE(asleep(2));
  EXPECT_EQ(second_.end.claim()->ticket, other) << "its own hint is still first";
  EXPECT_EQ(second_.end.claim()->ticket, lost);
  EXPECT_FALSE(second_.end.claim()) << "a second hint of one request is stale";
}

TEST_P(ReadyRing, StaysBoundedUnderManyDeaths) {
  std::vector<Ticket> tickets;
  for (int i = 0; i < 6; ++i) {
    tickets.push_back(publish_text(front_, "stays"));
  }
  for (int death = 0; death < 100; ++death) {
    front_.rehint();
    ASSERT_LE(hints(), geometry_.ready_capacity);
  }
  std::vector<bool> seen(geometry_.slots);
  for (int i = 0; i < 6; ++i) {
    const auto claimed = first_.end.claim();
    ASSERT_TRUE(claimed);
    EXPECT_FALSE(seen[claimed->ticket.slot]);
    seen[claimed->ticket.slot] = true;
  }
  EXPECT_FALSE(first_.end.claim());
}

}  // namespace
}  // namespace forebay::channel
