#include "channel/message.h"

#include <array>
#include <cstdint>
#include <string_view>

#include <gtest/gtest.h>

namespace forebay::channel {
namespace {

TEST(StringReader, ReadsWhatAWriterWrote) {
  std::array<std::byte, 64> buffer{};
  StringWriter writer(buffer);
  writer.put(std::uint16_t{7});
  writer.string("name");
  writer.string("");
  const std::size_t bytes = buffer.size() - writer.rest().size();
  EXPECT_EQ(bytes, 2 + StringWriter::size_of("name") + StringWriter::size_of(""));

  StringReader reader(std::span(buffer).first(bytes));
  EXPECT_EQ(reader.get<std::uint16_t>(), 7);
  EXPECT_EQ(reader.string(), "name");
  EXPECT_EQ(reader.string(), "");
  EXPECT_TRUE(reader.ok());
  EXPECT_TRUE(reader.rest().empty());
}

TEST(StringReader, ReadsNothingPastTheEndAndSaysSo) {
  const std::array<std::byte, 3> three{};
  StringReader reader(three);
  EXPECT_EQ(reader.get<std::uint32_t>(), 0U);
  EXPECT_FALSE(reader.ok());
  EXPECT_TRUE(reader.rest().empty());
  EXPECT_EQ(reader.get<std::uint8_t>(), 0U) << "not even what would fit";
  EXPECT_EQ(reader.string(), "");
}

TEST(StringReader, RefusesALengthBeyondTheEnd) {
  for (const std::uint32_t length : {5U, 0x8000'0000U, ~0U}) {
    std::array<std::byte, 8> buffer{};
    StringWriter(buffer).put(length);
    StringReader reader(buffer);
    EXPECT_EQ(reader.string(), "");
    EXPECT_FALSE(reader.ok());
    EXPECT_TRUE(reader.rest().empty());
  }
}

TEST(StringReader, ReadsAnEmptyMessageAsNothing) {
  StringReader reader({});
  EXPECT_TRUE(reader.ok());
  EXPECT_EQ(reader.string(), "");
  EXPECT_FALSE(reader.ok());
}

}  // namespace
}  // namespace forebay::channel
