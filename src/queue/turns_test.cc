#include "queue/turns.h"

#include <deque>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "queue/queue.h"

namespace forebay::queue {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr TimePoint kStart{seconds(1000)};
constexpr Duration kWaitMax = seconds(60);

class TurnsTest : public testing::Test {
 protected:
  explicit TurnsTest(std::size_t servers = 1) : queue_({.turns = true}, 1) {
    queue_.set_servers(servers);
  }
  Entry& admit(const Arrival& arrival, TimePoint now = kStart) {
    Entry& entry = entries_.emplace_back();
    entry.arrival = arrival;
    EXPECT_EQ(queue_.offer(entry, now), std::nullopt);
    return entry;
  }
  Entry& admit(Priority priority, TimePoint now = kStart) {
    return admit(Arrival{.priority = priority}, now);
  }
  Entry& admit_of(std::uint64_t client, TimePoint now = kStart) {
    return admit(Arrival{.client = client}, now);
  }
  /// The next that a server runs, at once to its end; nullptr: nobody waits.
  Entry* serve(TimePoint now = kStart, Duration service = milliseconds(500)) {
    Entry* entry = queue_.take(now);
    if (entry != nullptr) {
      queue_.running(*entry);
      queue_.answered(*entry, now);
      queue_.server_free(service);
    }
    return entry;
  }
  [[nodiscard]] const Turns& turns() const { return *queue_.turns(); }

  RequestQueue queue_;
  std::deque<Entry> entries_;
};

TEST_F(TurnsTest, ThePriorityComesFirstAndWithinItTheArrival) {
  Entry& low = admit(Priority::kLow);
  Entry& normal = admit(Priority::kNormal);
  Entry& high = admit(Priority::kHigh);
  Entry& high_too = admit(Priority::kHigh);
  EXPECT_EQ(turns().waiting(Priority::kHigh), 2U);
  EXPECT_EQ(serve(), &high);
  EXPECT_EQ(serve(), &high_too);
  EXPECT_EQ(serve(), &normal);
  EXPECT_EQ(serve(), &low);
  EXPECT_EQ(serve(), nullptr);
  EXPECT_EQ(turns().clients(), 0U);
}

TEST_F(TurnsTest, NormalIsPassedByWhatComesAQuarterOfTheLongestWaitLaterAndLowByHalf) {
  Entry& low = admit(Priority::kLow);
  Entry& normal = admit(Priority::kNormal);
  Entry& before_quarter = admit(Priority::kHigh, kStart + kWaitMax / 4 - Duration{1});
  Entry& after_quarter = admit(Priority::kHigh, kStart + kWaitMax / 4 + Duration{1});
  Entry& after_half = admit(Priority::kHigh, kStart + kWaitMax / 2 + Duration{1});
  EXPECT_EQ(serve(), &before_quarter);
  EXPECT_EQ(serve(), &normal);
  EXPECT_EQ(serve(), &after_quarter);
  EXPECT_EQ(serve(), &low);
  EXPECT_EQ(serve(), &after_half);
}

/// Half of what comes is high and would keep the server busy for ever.
TEST_F(TurnsTest, WhoeverWaitsGetsOn) {
  Entry& low = admit(Priority::kLow);
  TimePoint now = kStart;
  for (int i = 0; i < 2; ++i) {
    admit(Priority::kHigh, now);
  }
  while (low.waiting()) {
    admit(Priority::kHigh, now);
    ASSERT_NE(serve(now), nullptr);
    now += milliseconds(500);
    ASSERT_LE(now, kStart + kWaitMax / 2 + seconds(2));
  }
  EXPECT_GE(now, kStart + kWaitMax / 2);
}

TEST_F(TurnsTest, ANewcomerIsServedBeforeTheNextOfWhoeverHasMany) {
  std::vector<Entry*> many;
  for (int i = 0; i < 50; ++i) {
    many.push_back(&admit_of(1));
  }
  EXPECT_EQ(serve(), many[0]);
  Entry& single = admit_of(2);
  EXPECT_EQ(serve(), &single);
  EXPECT_EQ(serve(), many[1]);
}

TEST_F(TurnsTest, ClientsAreServedInTurnHoweverManyEachHasWaiting) {
  for (int i = 0; i < 30; ++i) {
    admit_of(1);
  }
  for (int i = 0; i < 10; ++i) {
    admit_of(2);
    admit_of(3);
  }
  EXPECT_EQ(turns().clients(), 3U);
  std::array<int, 4> served{};
  for (int i = 0; i < 30; ++i) {
    ++served[serve()->arrival.client];
  }
  EXPECT_EQ(served, (std::array<int, 4>{0, 10, 10, 10}));
  EXPECT_EQ(turns().clients(), 1U);
}

/// One after the other, each a newcomer: they do not hold up who waits already.
TEST_F(TurnsTest, NewcomersDoNotHoldUpWhoWaits) {
  Entry& first = admit_of(1);
  Entry& second = admit_of(1);
  ASSERT_EQ(serve(), &first);
  int before = 0;
  for (std::uint64_t client = 2; second.waiting(); ++client) {
    admit_of(client);
    admit_of(client + 1000);
    ASSERT_NE(serve(), nullptr);
    ASSERT_LE(++before, 4);
  }
}

TEST_F(TurnsTest, WhatIsPutBackIsTheNextOfItsPriority) {
  Entry& first = admit_of(1);
  admit_of(1);
  admit_of(2);
  ASSERT_EQ(queue_.take(kStart), &first);
  queue_.put_back(first);
  EXPECT_EQ(serve(), &first);
}

TEST_F(TurnsTest, WhoLeavesIsTakenOutOfItsTurn) {
  Entry& first = admit_of(1);
  Entry& second = admit_of(2);
  Entry& third = admit_of(3);
  queue_.withdraw(second);
  EXPECT_EQ(turns().clients(), 2U);
  EXPECT_EQ(serve(), &first);
  EXPECT_EQ(serve(), &third);
  EXPECT_EQ(queue_.length(), 0U);
}

TEST_F(TurnsTest, TheWaitIsPredictedFromWhoWouldBeServedBefore) {
  for (int i = 0; i < 10; ++i) {
    admit(Priority::kNormal);
    serve(kStart, seconds(1));
  }
  for (int i = 0; i < 10; ++i) {
    admit(Arrival{.priority = Priority::kNormal, .client = 1});
    admit(Arrival{.priority = Priority::kLow, .client = 1});
  }
  ASSERT_NE(queue_.take(kStart), nullptr);  // runs
  EXPECT_EQ(queue_.take(kStart), nullptr);
  EXPECT_EQ(queue_.predicted_wait({.priority = Priority::kHigh}), seconds(1));
  EXPECT_EQ(queue_.predicted_wait({.client = 1}), seconds(9 + 1));
  EXPECT_EQ(queue_.predicted_wait({.client = 2}), seconds(1 + 1));
  EXPECT_EQ(queue_.predicted_wait({.priority = Priority::kLow, .client = 1}), seconds(9 + 10 + 1));
}

TEST_F(TurnsTest, NobodyStandsAtTheDoorWhileWorkIsLong) {
  for (const auto& [service, handed] :
       {std::pair{milliseconds(20), 2}, std::pair{milliseconds(200), 1}}) {
    for (int i = 0; i < 200; ++i) {
      admit(Priority::kNormal);
      serve(kStart, service);
    }
    for (int i = 0; i < 10; ++i) {
      admit(Priority::kNormal);
    }
    std::vector<Entry*> taken;
    while (Entry* entry = queue_.take(kStart)) {
      taken.push_back(entry);
    }
    EXPECT_EQ(static_cast<int>(taken.size()), handed);
    for (Entry* entry : taken) {
      queue_.withdraw(*entry);
    }
    while (serve(kStart, service) != nullptr) {
    }
  }
}

TEST_F(TurnsTest, LowIsRefusedBeforeHigh) {
  for (int i = 0; i < 10; ++i) {
    admit(Priority::kNormal);
    serve(kStart, seconds(10));
  }
  for (int i = 0; i < 5; ++i) {
    admit(Priority::kNormal);
  }
  EXPECT_EQ(queue_.look({.priority = Priority::kHigh}, kStart), std::nullopt);
  EXPECT_EQ(queue_.look({.priority = Priority::kLow}, kStart), std::nullopt);
  admit(Priority::kNormal);
  EXPECT_EQ(queue_.look({.priority = Priority::kHigh}, kStart), std::nullopt);
  EXPECT_EQ(queue_.look({.priority = Priority::kLow}, kStart), Refusal::kPredictedWait);
}

/// Whatever happens, in whatever order: nobody is lost and nobody is served twice.
TEST_F(TurnsTest, KeepsItsBooksThroughAnything) {
  std::minstd_rand random(1);
  std::vector<Entry*> handed;
  const auto any = [this](std::size_t number) {
    return entries_.empty() ? nullptr : &entries_[number % entries_.size()];
  };
  TimePoint now = kStart;
  std::size_t waiting = 0;
  queue_.set_servers(10'000);
  for (int i = 0; i < 20'000; ++i) {
    now += milliseconds(random() % 100);
    switch (random() % 8) {
      case 0:
      case 1:
      case 2: {
        Entry& added = entries_.emplace_back();
        added.arrival = {.priority = static_cast<Priority>(random() % 3),
                         .client = random() % 20,
                         .deadline = random() % 2 == 0 ? kNoDeadline : now + seconds(5)};
        waiting += queue_.offer(added, now) ? 0 : 1;
        break;
      }
      case 3:
      case 4:
        if (Entry* next = queue_.take(now)) {
          ASSERT_FALSE(next->waiting());
          handed.push_back(next);
          --waiting;
        }
        break;
      case 5:
        if (!handed.empty()) {
          queue_.put_back(*handed.back());
          handed.pop_back();
          ++waiting;
        }
        break;
      case 6:
        if (Entry* entry = any(random()); entry != nullptr && entry->waiting()) {
          queue_.withdraw(*entry);
          --waiting;
        }
        break;
      default:
        while (Entry* over = queue_.expired(now)) {
          if (over->waiting()) {
            --waiting;
          }
          std::erase(handed, over);
          queue_.withdraw(*over);
        }
    }
    std::size_t counted = 0;
    for (const Priority priority : {Priority::kHigh, Priority::kNormal, Priority::kLow}) {
      counted += turns().waiting(priority);
    }
    ASSERT_EQ(counted, waiting);
  }
  while (serve(now) != nullptr) {
  }
  EXPECT_EQ(turns().clients(), 0U);
}

}  // namespace
}  // namespace forebay::queue
