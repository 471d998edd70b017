#include "net/task.h"

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "net/event.h"

namespace forebay::net {
namespace {

Task<int> one_later(Event& event) {
  co_await event.wait();
  co_return 1;
}

Task<int> sum(Event& event, int times) {
  int total = 0;
  for (int i = 0; i < times; ++i) {
    total += co_await one_later(event);
  }
  co_return total;
}

Task<void> store(Event& event, int times, int& result) { result = co_await sum(event, times); }

TEST(Task, GoesOnWhereItWaited) {
  Event event;
  int result = 0;
  bool done = false;
  spawn(store(event, 2, result), [&done] { done = true; });
  EXPECT_FALSE(done);
  event.set();
  EXPECT_FALSE(done);
  event.set();
  EXPECT_TRUE(done);
  EXPECT_EQ(result, 2);
}

TEST(Task, ASetBeforeTheWaitIsRememberedOnce) {
  Event event;
  event.set();
  event.set();
  int result = 0;
  bool done = false;
  spawn(store(event, 2, result), [&done] { done = true; });
  EXPECT_FALSE(done);
  event.set();
  EXPECT_TRUE(done);
}

/// A million ends in a row on one stack would not fit if each stood on the one before.
TEST(Task, ManyInARowDoNotGrowTheStack) {
  const auto ready = []() -> Task<int> { co_return 1; };
  int total = 0;
  bool done = false;
  const auto many = [&]() -> Task<void> {
    for (int i = 0; i < 1'000'000; ++i) {
      total += co_await ready();
    }
  };
  spawn(many(), [&done] { done = true; });
  EXPECT_TRUE(done);
  EXPECT_EQ(total, 1'000'000);
}

TEST(Task, ItsFrameEndsWithItsLocals) {
  const auto local = std::make_shared<int>(7);
  Event event;
  const auto hold = [&event](std::shared_ptr<int> held) -> Task<void> {
    co_await event.wait();
    EXPECT_EQ(*held, 7);
  };
  spawn(hold(local), [] {});
  EXPECT_EQ(local.use_count(), 2);
  event.set();
  EXPECT_EQ(local.use_count(), 1);
  {
    const Task<void> never_started = hold(local);
  }
  EXPECT_EQ(local.use_count(), 1);
}

}  // namespace
}  // namespace forebay::net
