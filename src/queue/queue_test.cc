#include "queue/queue.h"

#include <algorithm>
#include <deque>
#include <optional>

#include <gtest/gtest.h>

namespace forebay::queue {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr TimePoint kStart{seconds(1000)};

/// A queue, and requests that live as long as it does.
class RequestQueueTest : public ::testing::Test {
 protected:
  RequestQueue& make(const Policy& policy, std::size_t servers) {
    queue_.emplace(policy, 1);
    queue_->set_servers(servers);
    return *queue_;
  }
  Entry& entry(const Arrival& arrival = {}) {
    Entry& added = entries_.emplace_back();
    added.arrival = arrival;
    return added;
  }
  /// Admits a new request, or fails the test.
  Entry& admit(TimePoint now = kStart, std::uint64_t bytes = 0) {
    return admit(Arrival{.bytes = bytes}, now);
  }
  Entry& admit(const Arrival& arrival, TimePoint now = kStart) {
    Entry& added = entry(arrival);
    EXPECT_EQ(queue_->offer(added, now), std::nullopt);
    return added;
  }
  void run_one(Duration service) {
    Entry* taken = queue_->take(kStart);
    ASSERT_NE(taken, nullptr);
    queue_->running(*taken);
    queue_->answered(*taken, kStart);
    queue_->server_free(service);
  }
  /// Teaches the queue how long requests take.
  void teach(Duration service, int samples) {
    for (int i = 0; i < samples; ++i) {
      admit();
      run_one(service);
    }
  }

  std::optional<RequestQueue> queue_;
  std::deque<Entry> entries_;
};

TEST_F(RequestQueueTest, HandsOverInTheOrderOfArrival) {
  RequestQueue& queue = make({}, 4);
  Entry& first = admit();
  Entry& second = admit();
  EXPECT_EQ(queue.take(kStart), &first);
  EXPECT_EQ(queue.take(kStart), &second);
  EXPECT_EQ(queue.take(kStart), nullptr);
}

TEST_F(RequestQueueTest, LifoHandsOverWhoCameLast) {
  RequestQueue& queue = make({.order = Order::kLifo}, 2);
  Entry& first = admit(kStart);
  Entry& second = admit(kStart + seconds(1));
  Entry& third = admit(kStart + seconds(2));
  EXPECT_EQ(queue.take(kStart), &third);
  EXPECT_EQ(queue.take(kStart), &second);
  EXPECT_EQ(queue.oldest(), &first);
}

TEST_F(RequestQueueTest, AdaptiveLifoTurnsAroundWhenSomebodyHasWaitedForAThird) {
  RequestQueue& queue = make({.order = Order::kAdaptiveLifo, .wait_max = seconds(30)}, 4);
  Entry& first = admit(kStart);
  Entry& second = admit(kStart + seconds(1));
  Entry& third = admit(kStart + seconds(2));
  Entry& fourth = admit(kStart + seconds(3));
  EXPECT_EQ(queue.take(kStart + seconds(10)), &first);
  EXPECT_EQ(queue.take(kStart + seconds(11) + Duration{1}), &fourth);
  queue.withdraw(second);
  EXPECT_EQ(queue.take(kStart + seconds(12)), &third);
}

TEST_F(RequestQueueTest, TheMaximumWaitHoldsInAnyOrder) {
  RequestQueue& queue = make({.order = Order::kLifo, .wait_max = seconds(60)}, 1);
  Entry& first = admit(kStart);
  Entry& second = admit(kStart + seconds(1));
  Entry& third = admit(kStart + seconds(2));
  ASSERT_EQ(queue.take(kStart), &third);
  ASSERT_EQ(queue.take(kStart), &second);  // both stand at the door
  EXPECT_EQ(queue.expired(kStart + seconds(60)), &first);
  queue.withdraw(first);
  EXPECT_EQ(queue.next_deadline(kStart), kStart + seconds(61));
  EXPECT_EQ(queue.expired(kStart + seconds(61)), &second);
}

TEST_F(RequestQueueTest, LifoPredictsNoWait) {
  RequestQueue& queue = make({.order = Order::kLifo, .wait_max = seconds(1)}, 1);
  teach(seconds(2), 10);
  for (int i = 0; i < 20; ++i) {
    admit();
  }
  EXPECT_EQ(queue.length(), 20U);
  EXPECT_EQ(queue.predicted_wait(), Duration{0});
}

TEST_F(RequestQueueTest, WhatIsPutBackHasThePlaceOfItsArrivalInAnyOrder) {
  RequestQueue& queue = make({.order = Order::kLifo}, 1);
  Entry& first = admit(kStart);
  Entry& second = admit(kStart + seconds(1));
  ASSERT_EQ(queue.take(kStart), &second);
  Entry& third = admit(kStart + seconds(2));
  queue.put_back(second);
  EXPECT_EQ(queue.oldest(), &first);
  EXPECT_EQ(queue.take(kStart), &third);
  EXPECT_EQ(queue.take(kStart), &second);
}

TEST_F(RequestQueueTest, WhatIsLearnedDoesNotEndTheWaitOfTheOnlyOne) {
  RequestQueue& queue = make({}, 0);
  for (int i = 0; i < 100; ++i) {
    Entry leaving;
    const TimePoint now = kStart + seconds(i);
    ASSERT_EQ(queue.offer(leaving, now - seconds(2)), std::nullopt);
    queue.left(leaving, now);
    queue.withdraw(leaving);
  }
  const TimePoint now = kStart + seconds(100);
  ASSERT_LT(queue.wait_limit(now).wait, seconds(2));
  Entry& alone = admit(now);
  EXPECT_EQ(queue.next_deadline(now), now + seconds(60));
  admit(now);
  EXPECT_LT(queue.next_deadline(now), now + seconds(2));
  EXPECT_EQ(queue.expired(now + seconds(2)), &alone);
}

TEST_F(RequestQueueTest, ADeadlineOfItsOwnEndsTheWaitSooner) {
  RequestQueue& queue = make({.wait_max = seconds(60)}, 1);
  Entry& first = admit(kStart);
  Entry& hurried = admit(Arrival{.deadline = kStart + seconds(5)});
  Entry& patient = admit(Arrival{.deadline = kStart + seconds(100)});
  ASSERT_EQ(queue.take(kStart), &first);
  queue.running(first);
  ASSERT_EQ(queue.take(kStart), &hurried);  // it runs at the door too
  EXPECT_EQ(queue.next_deadline(kStart), kStart + seconds(5));
  EXPECT_EQ(queue.expired(kStart + seconds(5) - Duration{1}), nullptr);
  EXPECT_EQ(queue.expired(kStart + seconds(5)), &hurried);
  queue.put_back(hurried);
  EXPECT_EQ(queue.expired(kStart + seconds(5)), &hurried);
  queue.withdraw(hurried);
  EXPECT_EQ(queue.next_deadline(kStart), kStart + seconds(60));
  EXPECT_EQ(queue.expired(kStart + seconds(60)), &patient);
}

TEST_F(RequestQueueTest, ADeadlineEndsWhenAServerHasBegun) {
  RequestQueue& queue = make({}, 1);
  Entry& only = admit(Arrival{.deadline = kStart + seconds(5)});
  ASSERT_EQ(queue.take(kStart), &only);
  queue.running(only);
  EXPECT_EQ(queue.expired(kStart + seconds(5)), nullptr);
  queue.put_back(only);  // the server died
  EXPECT_EQ(queue.expired(kStart + seconds(5)), &only);
}

TEST_F(RequestQueueTest, RefusesOnArrivalWhatWouldEndAfterItsDeadline) {
  RequestQueue& queue = make({}, 2);
  teach(seconds(2), 10);
  for (int i = 0; i < 2 + 4; ++i) {
    admit();
    (void)queue.take(kStart);
  }
  ASSERT_EQ(queue.predicted_wait(), seconds(5));
  EXPECT_EQ(queue.look({.deadline = kStart + seconds(9)}, kStart), std::nullopt);
  EXPECT_EQ(queue.look({.deadline = kStart + seconds(9) - Duration{1}}, kStart),
            Refusal::kDeadline);
}

TEST_F(RequestQueueTest, TheOnlyOneThatWaitsIsNotRefusedForItsDeadline) {
  make({}, 1);
  teach(seconds(10), 8);
  admit(Arrival{.deadline = kStart});
}

TEST_F(RequestQueueTest, KeepsOneRequestPerServerAtTheDoorWhileNothingIsKnown) {
  RequestQueue& queue = make({}, 2);
  for (int i = 0; i < 10; ++i) {
    admit();
  }
  int taken = 0;
  while (queue.take(kStart) != nullptr) {
    ++taken;
  }
  EXPECT_EQ(taken, 4);
  EXPECT_EQ(queue.length(), 8U);  // two run, whoever waits at the door still waits
}

TEST_F(RequestQueueTest, ToppingUpFollowsTheServiceTimeUpToEight) {
  RequestQueue& queue = make({}, 1);
  teach(std::chrono::microseconds(100), 100);  // 100 us: ten would fit into a millisecond
  for (int i = 0; i < 20; ++i) {
    admit();
  }
  std::size_t taken = 0;
  while (queue.take(kStart) != nullptr) {
    ++taken;
  }
  EXPECT_EQ(taken, 1 + kTopUpMax);
}

TEST_F(RequestQueueTest, WithoutServersEverythingWaits) {
  RequestQueue& queue = make({}, 0);
  admit();
  EXPECT_EQ(queue.take(kStart), nullptr);
  EXPECT_EQ(queue.length(), 1U);
}

TEST_F(RequestQueueTest, DropsAClientThatLeftWithoutHandingItOver) {
  RequestQueue& queue = make({}, 1);
  Entry& gone = admit();
  Entry& here = admit();
  queue.withdraw(gone);
  EXPECT_EQ(queue.take(kStart), &here);
  EXPECT_EQ(queue.take(kStart), nullptr);
}

TEST_F(RequestQueueTest, AHandedOverRequestCanBeWithdrawnAndFreesItsPlace) {
  RequestQueue& queue = make({}, 1);
  Entry& first = admit();
  ASSERT_EQ(queue.take(kStart), &first);
  EXPECT_EQ(queue.outstanding(), 1U);
  queue.withdraw(first);
  EXPECT_EQ(queue.outstanding(), 0U);
  EXPECT_EQ(queue.length(), 0U);
}

TEST_F(RequestQueueTest, RefusesBeyondTheLength) {
  RequestQueue& queue = make({.length_max = 2}, 0);
  admit();
  admit();
  Entry& third = entry();
  EXPECT_EQ(queue.offer(third, kStart), Refusal::kQueueFull);
  EXPECT_EQ(queue.length(), 2U);
}

TEST_F(RequestQueueTest, RefusesBeyondTheBytesAndGivesThemBack) {
  RequestQueue& queue = make({.bytes_max = 100}, 0);
  Entry& big = admit(kStart, 60);
  Entry& second = entry({.bytes = 41});
  EXPECT_EQ(queue.offer(second, kStart), Refusal::kQueueFull);
  queue.withdraw(big);
  EXPECT_EQ(queue.bytes(), 0U);
  EXPECT_EQ(queue.offer(second, kStart), std::nullopt);
}

TEST_F(RequestQueueTest, NeverRefusesTheOnlyOneThatWaits) {
  RequestQueue& queue = make({.wait_max = milliseconds(1), .bytes_max = 10}, 1);
  teach(seconds(10), 8);
  Entry& alone = entry({.bytes = 1000});
  EXPECT_EQ(queue.offer(alone, kStart), std::nullopt);
}

TEST_F(RequestQueueTest, PredictsNothingBeforeItHasSeenTwoRequestsPerServer) {
  RequestQueue& queue = make({.wait_max = seconds(1)}, 2);
  teach(seconds(10), 3);
  for (int i = 0; i < 50; ++i) {
    admit();
  }
  EXPECT_EQ(queue.predicted_wait(), Duration{0});
}

TEST_F(RequestQueueTest, RefusesOnArrivalWhatWouldWaitTooLong) {
  RequestQueue& queue = make({.wait_max = seconds(5)}, 2);
  teach(seconds(2), 10);
  // Two run, then each further one waits another second: four wait, the fifth would wait 5 s, the
  // sixth too long.
  for (int i = 0; i < 2 + 4; ++i) {
    admit();
    (void)queue.take(kStart);
  }
  EXPECT_EQ(queue.predicted_wait(), seconds(5));
  admit();
  Entry& late = entry();
  EXPECT_EQ(queue.offer(late, kStart), Refusal::kPredictedWait);
}

TEST_F(RequestQueueTest, PredictionCanBeSwitchedOff) {
  RequestQueue& queue = make({.wait_max = seconds(1), .predict = false}, 1);
  teach(seconds(2), 10);
  for (int i = 0; i < 20; ++i) {
    admit();
  }
  EXPECT_EQ(queue.length(), 20U);
}

TEST_F(RequestQueueTest, TheMaximumWaitRunsAtTheDoorToo) {
  RequestQueue& queue = make({.wait_max = seconds(60)}, 0);
  EXPECT_EQ(queue.next_deadline(kStart), std::nullopt);
  Entry& first = admit(kStart);
  Entry& second = admit(kStart + seconds(1));
  queue.set_servers(1);
  ASSERT_EQ(queue.take(kStart), &first);
  EXPECT_EQ(queue.next_deadline(kStart), kStart + seconds(60));
  EXPECT_EQ(queue.expired(kStart + seconds(60) - Duration{1}), nullptr);
  EXPECT_EQ(queue.expired(kStart + seconds(60)), &first);
  queue.running(first);  // a server has begun it: its wait is over
  EXPECT_EQ(queue.expired(kStart + seconds(60)), nullptr);
  EXPECT_EQ(queue.expired(kStart + seconds(61)), &second);
}

TEST_F(RequestQueueTest, WhatAServerDroppedGoesToTheHeadWithItsOldArrival) {
  RequestQueue& queue = make({}, 1);
  Entry& first = admit(kStart);
  admit(kStart + seconds(1));
  ASSERT_EQ(queue.take(kStart), &first);
  queue.running(first);
  queue.put_back(first);
  EXPECT_EQ(queue.outstanding(), 0U);
  EXPECT_EQ(queue.oldest(), &first);
  EXPECT_EQ(first.arrived(), kStart);
  EXPECT_EQ(queue.take(kStart), &first);
}

TEST_F(RequestQueueTest, WhatAServerDroppedExpiresBeforeYoungerOnesThatWereHandedOver) {
  RequestQueue& queue = make({}, 1);
  Entry& first = admit(kStart);
  Entry& second = admit(kStart + seconds(1));
  ASSERT_EQ(queue.take(kStart), &first);
  queue.running(first);
  ASSERT_EQ(queue.take(kStart), &second);  // at the server's door
  queue.put_back(first);
  EXPECT_EQ(queue.next_deadline(kStart), kStart + seconds(60));
  EXPECT_EQ(queue.expired(kStart + seconds(60)), &first);
}

TEST_F(RequestQueueTest, AServerIsBusyUntilItIsFreeEvenAfterItsAnswer) {
  RequestQueue& queue = make({}, 1);
  Entry& first = admit();
  ASSERT_EQ(queue.take(kStart), &first);
  queue.running(first);
  queue.answered(first, kStart);
  EXPECT_EQ(queue.busy_servers(), 1U);
  queue.server_free(milliseconds(5));
  EXPECT_EQ(queue.busy_servers(), 0U);
}

TEST_F(RequestQueueTest, TheMeanFollowsAChangeOfServiceTime) {
  RequestQueue& queue = make({}, 1);
  teach(milliseconds(10), 100);
  EXPECT_EQ(queue.mean_service(), milliseconds(10));
  teach(milliseconds(1000), 200);
  EXPECT_GT(queue.mean_service(), milliseconds(990));
}

TEST_F(RequestQueueTest, RetryAfterIsTheDrainTimeGiveOrTakeAQuarter) {
  RequestQueue& queue = make({.wait_max = seconds(1000)}, 2);
  EXPECT_EQ(queue.retry_after(), 1U);
  teach(seconds(2), 10);
  for (int i = 0; i < 2 + 40; ++i) {  // 40 wait: 40 s
    admit();
    (void)queue.take(kStart);
  }
  unsigned least = 1000;
  unsigned most = 0;
  for (int i = 0; i < 1000; ++i) {
    const unsigned seconds_to_wait = queue.retry_after();
    least = std::min(least, seconds_to_wait);
    most = std::max(most, seconds_to_wait);
  }
  EXPECT_GE(least, 30U);
  EXPECT_LE(least, 32U);
  EXPECT_LE(most, 50U);
  EXPECT_GE(most, 48U);
}

TEST_F(RequestQueueTest, RetryAfterIsAtMostTwoMinutes) {
  RequestQueue& queue = make({.wait_max = seconds(100'000)}, 1);
  teach(seconds(100), 10);
  for (int i = 0; i < 100; ++i) {
    admit();
  }
  EXPECT_EQ(queue.retry_after(), 120U);
}

TEST_F(RequestQueueTest, RemembersTheLongestQueue) {
  RequestQueue& queue = make({}, 1);
  for (int i = 0; i < 5; ++i) {
    admit();
    (void)queue.take(kStart);
  }
  EXPECT_EQ(queue.longest(), 4U);
  for (int i = 0; i < 5; ++i) {
    if (queue.outstanding() == 0) {
      (void)queue.take(kStart);
    }
    Entry* oldest = queue.oldest();
    queue.running(*oldest);
    queue.answered(*oldest, kStart);
    queue.server_free(milliseconds(1));
    while (queue.take(kStart) != nullptr) {
    }
  }
  EXPECT_EQ(queue.length(), 0U);
  EXPECT_EQ(queue.longest(), 4U);
}

}  // namespace
}  // namespace forebay::queue
