#include "net/timeouts.h"

#include <vector>

#include <gtest/gtest.h>

namespace forebay::net {
namespace {

using std::chrono::seconds;

struct Recorder final : Timeout {
  Recorder(std::vector<int>& log, int number) : log_(log), number_(number) {}
  void timed_out() override { log_.push_back(number_); }
  std::vector<int>& log_;
  int number_;
};

constexpr TimePoint kStart{seconds(100)};

TEST(TimeoutList, ExpiresInTheOrderOfArmingAndNotBefore) {
  std::vector<int> log;
  TimeoutList list(seconds(5));
  Recorder one(log, 1);
  Recorder two(log, 2);
  list.arm(one, kStart);
  list.arm(two, kStart + seconds(1));
  list.expire(kStart + seconds(5) - Duration{1});
  EXPECT_TRUE(log.empty());
  list.expire(kStart + seconds(5));
  EXPECT_EQ(log, std::vector<int>({1}));
  list.expire(kStart + seconds(6));
  EXPECT_EQ(log, std::vector<int>({1, 2}));
  EXPECT_TRUE(list.empty());
}

TEST(TimeoutList, ArmingAgainMovesTheExpiryAndDisarmingEndsIt) {
  std::vector<int> log;
  TimeoutList list(seconds(5));
  Recorder one(log, 1);
  Recorder two(log, 2);
  list.arm(one, kStart);
  list.arm(two, kStart);
  list.arm(one, kStart + seconds(3));
  TimeoutList::disarm(two);
  list.expire(kStart + seconds(7));
  EXPECT_TRUE(log.empty());
  list.expire(kStart + seconds(8));
  EXPECT_EQ(log, std::vector<int>({1}));
}

TEST(TimeoutList, TheFirstExpiresOnRequestIfItIsOldEnough) {
  std::vector<int> log;
  TimeoutList list(seconds(5));
  Recorder one(log, 1);
  Recorder two(log, 2);
  EXPECT_FALSE(list.expire_first(kStart, seconds(0)));
  list.arm(one, kStart);
  list.arm(two, kStart + seconds(1));
  EXPECT_FALSE(list.expire_first(kStart + seconds(1), seconds(2)));
  EXPECT_TRUE(list.expire_first(kStart + seconds(2), seconds(2)));
  EXPECT_EQ(log, std::vector<int>({1}));
  EXPECT_FALSE(list.expire_first(kStart + seconds(2), seconds(2)));
}

TEST(TimeoutList, ADestroyedTimeoutDoesNotExpire) {
  std::vector<int> log;
  TimeoutList list(seconds(5));
  {
    Recorder gone(log, 1);
    list.arm(gone, kStart);
  }
  list.expire(TimePoint::max());
  EXPECT_TRUE(log.empty());
}

}  // namespace
}  // namespace forebay::net
