#include "queue/patience.h"

#include <gtest/gtest.h>

#include "queue/queue.h"

namespace forebay::queue {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr TimePoint kStart{seconds(1000)};

/// Requests that end one every 100 ms.
class PatienceTest : public testing::Test {
 protected:
  void leave(int times, Duration age) { record(times, age, true); }
  void stay(int times, Duration age) { record(times, age, false); }
  void record(int times, Duration age, bool left) {
    for (int i = 0; i < times; ++i) {
      now_ += milliseconds(100);
      patience_.record(age, left, now_);
    }
  }
  Patience patience_;
  TimePoint now_ = kStart;
};

TEST_F(PatienceTest, KnowsNothingBeforeEnoughHaveLeft) {
  leave(24, seconds(2));
  EXPECT_EQ(patience_.estimate(now_), std::nullopt);
  leave(1, seconds(2));
  EXPECT_EQ(patience_.estimate(now_), seconds(2));
}

TEST_F(PatienceTest, IsTheTimeByWhichATenthWouldHaveLeft) {
  for (int i = 1; i <= 100; ++i) {
    leave(1, milliseconds(100 * i));
  }
  EXPECT_EQ(patience_.estimate(now_), milliseconds(1000));
}

TEST_F(PatienceTest, WhoWasAnsweredEarlierSaysNothingOfLater) {
  stay(300, seconds(1));
  leave(30, seconds(2));  // all who had to wait for so long
  EXPECT_EQ(patience_.estimate(now_), seconds(2));
}

TEST_F(PatienceTest, FewWhoLeaveAmongManyWhoStayAreNoLimit) {
  for (int i = 0; i < 40; ++i) {
    leave(1, milliseconds(300));
    stay(11, seconds(5));
  }
  EXPECT_EQ(patience_.estimate(now_), std::nullopt);
}

TEST_F(PatienceTest, GrowsWhileNobodyContradictsAndShrinksWhenSomebodyDoes) {
  leave(30, seconds(2));
  now_ += seconds(300);
  EXPECT_EQ(patience_.estimate(now_), seconds(4));
  leave(5, seconds(3));
  EXPECT_EQ(patience_.estimate(now_), seconds(3));
}

TEST_F(PatienceTest, ForgetsWhatIsLongAgo) {
  leave(24, seconds(2));
  now_ += hours(1);
  leave(20, seconds(1));
  EXPECT_EQ(patience_.estimate(now_), std::nullopt);
}

/// The queue's limit on top of it.
class WaitLimitTest : public testing::Test {
 protected:
  WaitLimitTest() { queue_.set_servers(1); }
  void one(Duration service, Duration age, bool leaves) {
    Entry entry;
    ASSERT_EQ(queue_.offer(entry, now_), std::nullopt);
    ASSERT_EQ(queue_.take(now_), &entry);
    queue_.running(entry);
    now_ += age;
    if (leaves) {
      queue_.left(entry, now_);
    }
    queue_.answered(entry, now_);
    queue_.server_free(service);
  }
  [[nodiscard]] WaitLimit limit() const { return queue_.wait_limit(now_); }
  RequestQueue queue_{Policy{}, 1};
  TimePoint now_ = kStart;
};

TEST_F(WaitLimitTest, IsWhatWasSetUntilClientsLeave) {
  one(milliseconds(50), seconds(1), false);
  EXPECT_EQ(limit().wait, seconds(60));
  EXPECT_EQ(limit().why, WaitLimit::Why::kSet);
}

TEST_F(WaitLimitTest, IsAPartOfPatience) {
  for (int i = 0; i < 25; ++i) {
    one(milliseconds(50), seconds(2), true);
  }
  EXPECT_EQ(limit().wait, milliseconds(800));
  EXPECT_EQ(limit().why, WaitLimit::Why::kLearned);
}

TEST_F(WaitLimitTest, LeavesRoomForTheWork) {
  for (int i = 0; i < 25; ++i) {
    one(milliseconds(400), milliseconds(2400), true);
  }
  EXPECT_EQ(limit().wait, milliseconds(800));
}

TEST_F(WaitLimitTest, DoesNotFollowThoseWhoAbortOnPurpose) {
  for (int i = 0; i < 40; ++i) {
    one(milliseconds(50), milliseconds(100), true);
  }
  EXPECT_EQ(limit().wait, milliseconds(500));
  EXPECT_EQ(limit().why, WaitLimit::Why::kFloor);
}

TEST_F(WaitLimitTest, TheFloorIsAtLeastAsLongAsTheWork) {
  for (int i = 0; i < 25; ++i) {
    one(seconds(2), seconds(2), true);
  }
  EXPECT_EQ(limit().wait, seconds(2));
  EXPECT_EQ(limit().why, WaitLimit::Why::kFloor);
}

}  // namespace
}  // namespace forebay::queue
