#include "base/list.h"

#include <memory>

#include <gtest/gtest.h>

namespace forebay {
namespace {

struct TagA {};
struct TagB {};
struct Item : Link<TagA>, Link<TagB> {
  explicit Item(int n) : number(n) {}
  int number;
};
using ListA = List<Item, TagA>;
using ListB = List<Item, TagB>;

TEST(List, KeepsTheOrderAndGivesTheNext) {
  ListA list;
  Item one(1);
  Item two(2);
  Item zero(0);
  list.push_back(one);
  list.push_back(two);
  list.push_front(zero);
  EXPECT_EQ(list.front(), &zero);
  EXPECT_EQ(list.next(zero), &one);
  EXPECT_EQ(list.next(one), &two);
  EXPECT_EQ(list.next(two), nullptr);
}

TEST(List, IsReadFromItsEndToo) {
  ListA list;
  Item one(1);
  Item two(2);
  Item three(3);
  EXPECT_EQ(list.back(), nullptr);
  list.push_back(three);
  list.insert_before(three, one);
  list.insert_before(three, two);
  EXPECT_EQ(list.front(), &one);
  EXPECT_EQ(list.back(), &three);
  EXPECT_EQ(list.prev(three), &two);
  EXPECT_EQ(list.prev(two), &one);
  EXPECT_EQ(list.prev(one), nullptr);
}

TEST(List, AnItemLeavesWhenItIsDestroyed) {
  ListA list;
  Item first(1);
  auto second = std::make_unique<Item>(2);
  list.push_back(first);
  list.push_back(*second);
  second.reset();
  EXPECT_EQ(list.next(first), nullptr);
}

TEST(List, AnItemCanBeInTwoListsByTag) {
  ListA a;
  ListB b;
  Item item(1);
  a.push_back(item);
  b.push_back(item);
  item.Link<TagA>::unlink();
  EXPECT_TRUE(a.empty());
  EXPECT_EQ(b.front(), &item);
}

TEST(List, ItemsMayOutliveTheList) {
  Item item(1);
  {
    ListA list;
    list.push_back(item);
  }
  EXPECT_FALSE(item.Link<TagA>::linked());
}

TEST(ListDeathTest, AnItemCannotBeInOneListTwice) {
  ListA list;
  Item item(1);
  list.push_back(item);
  EXPECT_DEATH(list.push_back(item), "linked");
}

TEST(List, TakesAllOfAnother) {
  ListA list;
  ListA other;
  Item a(1);
  Item b(2);
  Item c(3);
  list.append(other);
  EXPECT_TRUE(list.empty());
  other.push_back(b);
  other.push_back(c);
  list.push_back(a);
  list.append(other);
  EXPECT_TRUE(other.empty());
  EXPECT_EQ(list.front(), &a);
  EXPECT_EQ(list.next(a), &b);
  EXPECT_EQ(list.next(b), &c);
  EXPECT_EQ(list.next(c), nullptr);
  b.Link<TagA>::unlink();
  EXPECT_EQ(list.next(a), &c);
  other.push_back(b);
  list.append(other);
  EXPECT_EQ(list.next(c), &b);
}

}  // namespace
}  // namespace forebay
