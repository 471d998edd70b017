#include "front/body.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

namespace forebay::front {
namespace {

constexpr std::size_t kMemory = 1000;
const std::string kDirectory = "/tmp";

std::string append(Body& body, std::size_t total, std::size_t piece) {
  std::string all;
  while (all.size() < total) {
    const std::string next(std::min(piece, total - all.size()),
                           static_cast<char>('a' + all.size() % 26));
    EXPECT_TRUE(body.append(next));
    all += next;
    EXPECT_EQ(body.size(), all.size());
  }
  return all;
}

std::string content(const SpoolFile& file) {
  std::string all(file.size(), '\0');
  EXPECT_TRUE(file.read(0, all.data(), all.size()));
  return all;
}

TEST(Body, StaysInMemoryUpToItsLimit) {
  Budget budget(1 << 30);
  Body body;
  body.expect(0, kMemory, kDirectory, budget);
  const std::string all = append(body, kMemory, 7);
  ASSERT_TRUE(body.complete());
  EXPECT_EQ(body.memory(), all);
  EXPECT_FALSE(body.file());
}

TEST(Body, IsInAFileBeyond) {
  for (const std::size_t piece : {1UL, 7UL, 999UL, 1000UL, 1001UL, 5000UL}) {
    Budget budget(1 << 30);
    Body body;
    body.expect(0, kMemory, kDirectory, budget);
    const std::string all = append(body, 5 * kMemory + 1, piece);
    ASSERT_TRUE(body.complete());
    ASSERT_TRUE(body.file());
    EXPECT_EQ(content(*body.file()), all);
    EXPECT_EQ(body.size(), all.size());
    EXPECT_TRUE(body.memory().empty());
  }
}

TEST(Body, WritesSmallPiecesTogether) {
  Budget budget(1 << 30);
  Body body;
  body.expect(0, kMemory, kDirectory, budget);
  append(body, 2 * kMemory, 1);
  ASSERT_TRUE(body.file());
  EXPECT_EQ(body.file()->size(), kMemory);
}

/// As a socket fills it, `piece` bytes at a time at most.
std::string fill(Body& body, std::size_t total, std::size_t piece) {
  std::string all;
  while (all.size() < total) {
    const Result<std::span<char>> room = body.room();
    EXPECT_TRUE(room && !room->empty());
    const std::string next(std::min(piece, room->size()), static_cast<char>('a' + all.size() % 26));
    next.copy(room->data(), next.size());
    EXPECT_TRUE(body.filled(next.size()));
    all += next;
  }
  return all;
}

TEST(Body, HasRoomForWhatIsExpectedAndNoMore) {
  for (const std::size_t total : {1UL, kMemory - 1, kMemory, kMemory + 1, 2 * kMemory, 3500UL}) {
    for (const std::size_t piece : {7UL, 999UL, 100'000UL}) {
      Budget budget(1 << 30);
      Body body;
      body.expect(total, kMemory, kDirectory, budget);
      const std::string first = append(body, std::min(total, 5UL), 5);
      const std::string all = first + fill(body, total - first.size(), piece);
      EXPECT_EQ(all.size(), total);
      EXPECT_EQ(budget.used(), total);
      ASSERT_TRUE(body.complete());
      EXPECT_EQ(body.file().has_value(), total > kMemory);
      EXPECT_EQ(body.file() ? content(*body.file()) : body.memory(), all);
    }
  }
}

TEST(Body, EndsWhereThereIsNoRoomInTheBudget) {
  Budget budget(kMemory);
  Body body;
  body.expect(0, 2 * kMemory, kDirectory, budget);
  append(body, kMemory, 100);
  EXPECT_FALSE(body.append("x"));
  EXPECT_EQ(body.size(), kMemory);
}

TEST(Body, EndsWhereThereIsNoDirectory) {
  const std::string nowhere = "/nonexistent";
  Budget budget(1 << 30);
  Body body;
  body.expect(2 * kMemory, kMemory, nowhere, budget);
  append(body, kMemory, kMemory);
  EXPECT_FALSE(body.room());
}

}  // namespace
}  // namespace forebay::front
