#include "front/budget.h"

#include <limits>

#include <gtest/gtest.h>

#include "front/pace.h"

namespace forebay::front {
namespace {

TEST(Budget, IsSharedUpToItsBoundAndGivenBack) {
  Budget budget(10);
  Budget::Share one(budget);
  {
    Budget::Share two(budget);
    EXPECT_TRUE(one.take(4));
    EXPECT_TRUE(two.take(6));
    EXPECT_FALSE(one.take(1));
    EXPECT_FALSE(budget.has_room(1));
    EXPECT_TRUE(budget.has_room(0));
  }
  EXPECT_EQ(budget.used(), 4U);
  EXPECT_TRUE(one.take(6));
  one.give_back();
  one.give_back();
  EXPECT_EQ(budget.used(), 0U);
  EXPECT_FALSE(budget.has_room(std::numeric_limits<std::uint64_t>::max()));
}

TEST(Budget, AShareThatIsMovedIsGivenBackOnce) {
  Budget budget(10);
  {
    Budget::Share one(budget);
    ASSERT_TRUE(one.take(4));
    Budget::Share two(std::move(one));
    Budget::Share three;
    three = std::move(two);
    EXPECT_EQ(budget.used(), 4U);
  }
  EXPECT_EQ(budget.used(), 0U);
}

TEST(Budget, GivesWhatIsThereWhenThatWasWanted) {
  Budget budget(10);
  Budget::Share share(budget);
  share.take_what_is_there(20);
  EXPECT_EQ(budget.used(), 10U);
}

TEST(Pace, IsThatOfEachWindow) {
  Pace pace(100, std::chrono::milliseconds(500));
  pace.begin(1000);
  EXPECT_TRUE(pace.keeps_up(1050));
  EXPECT_FALSE(pace.keeps_up(1099));
  EXPECT_TRUE(pace.keeps_up(2000));
  EXPECT_FALSE(pace.keeps_up(2000));
}

TEST(Pace, WithoutARateAByteIsEnough) {
  Pace pace(0, std::chrono::seconds(1));
  EXPECT_FALSE(pace.keeps_up(0));
  EXPECT_TRUE(pace.keeps_up(1));
  EXPECT_FALSE(pace.keeps_up(1));
}

}  // namespace
}  // namespace forebay::front
