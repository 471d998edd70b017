#include "front/body.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

namespace forebay::front {
namespace {

constexpr std::uint64_t kMemory = 1000;

std::string append(Body& body, std::size_t total, std::size_t piece) {
  std::string all;
  while (all.size() < total) {
    const std::string next(std::min(piece, total - all.size()),
                           static_cast<char>('a' + all.size() % 26));
    EXPECT_TRUE(body.append(next, "/tmp"));
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
  body.expect(0, kMemory, budget);
  const std::string all = append(body, kMemory, 7);
  ASSERT_TRUE(body.complete());
  EXPECT_EQ(body.memory(), all);
  EXPECT_FALSE(body.file());
}

TEST(Body, IsInAFileBeyond) {
  for (const std::size_t piece : {1UL, 7UL, 999UL, 1000UL, 1001UL, 5000UL}) {
    Budget budget(1 << 30);
    Body body;
    body.expect(0, kMemory, budget);
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
  body.expect(0, kMemory, budget);
  append(body, 2 * kMemory, 1);
  ASSERT_TRUE(body.file());
  EXPECT_EQ(body.file()->size(), kMemory);
}

}  // namespace
}  // namespace forebay::front
