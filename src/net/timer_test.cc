#include "net/timer.h"

#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "net/loop.h"

namespace forebay::net {
namespace {

constexpr TimePoint kStart{std::chrono::seconds(100)};

TimePoint after(int seconds) { return kStart + std::chrono::seconds(seconds); }

class TimerTest : public testing::Test {
 protected:
  Loop loop_;
  TimerQueue& queue_ = loop_.timers();
  std::vector<int> calls_;
  auto say(int what) {
    return [this, what] { calls_.push_back(what); };
  }
};

TEST_F(TimerTest, ThoseThatAreDueAreCalledInOrder) {
  Timer late(loop_);
  Timer early(loop_);
  Timer later(loop_);
  late.at(after(2), say(2));
  early.at(after(1), say(1));
  later.at(after(3), say(3));
  EXPECT_EQ(queue_.next(), after(1));
  EXPECT_EQ(queue_.expire(after(2)), 2U);
  EXPECT_EQ(calls_, (std::vector{1, 2}));
  EXPECT_FALSE(early.armed());
  EXPECT_TRUE(later.armed());
  EXPECT_EQ(queue_.next(), after(3));
}

TEST_F(TimerTest, ArmingAgainReplaces) {
  Timer timer(loop_);
  timer.at(after(1), say(1));
  timer.at(after(5), say(5));
  EXPECT_EQ(queue_.expire(after(4)), 0U);
  EXPECT_EQ(queue_.expire(after(5)), 1U);
  EXPECT_EQ(calls_, std::vector{5});
}

TEST_F(TimerTest, NothingIsCalledAfterCancelOrTheEnd) {
  Timer cancelled(loop_);
  auto gone = std::make_unique<Timer>(loop_);
  cancelled.at(after(1), say(1));
  gone->at(after(1), say(2));
  cancelled.cancel();
  gone.reset();
  EXPECT_EQ(queue_.next(), std::nullopt);
  EXPECT_EQ(queue_.expire(after(9)), 0U);
}

TEST_F(TimerTest, MayBeArmedAgainOrDestroyedInItsCall) {
  Timer again(loop_);
  auto once = std::make_unique<Timer>(loop_);
  auto other = std::make_unique<Timer>(loop_);
  again.at(after(1), [&] { again.at(after(3), say(3)); });
  once->at(after(1), [&] {
    once.reset();
    other.reset();
  });
  other->at(after(1), say(9));
  queue_.expire(after(2));
  EXPECT_TRUE(again.armed());
  queue_.expire(after(3));
  EXPECT_EQ(calls_, std::vector{3});
}

TEST_F(TimerTest, TheLoopSleepsUntilTheNextAndNoLonger) {
  Timer timer(loop_);
  const TimePoint began = Clock::now();
  timer.after(std::chrono::milliseconds(20), [&] { loop_.stop(); });
  loop_.run();
  EXPECT_GE(Clock::now() - began, std::chrono::milliseconds(20));
  EXPECT_LT(Clock::now() - began, std::chrono::seconds(10));
}

}  // namespace
}  // namespace forebay::net
