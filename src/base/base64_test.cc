#include "base/base64.h"

#include <gtest/gtest.h>

namespace forebay {
namespace {

std::string encoded(std::string_view bytes) {
  std::string text;
  append_base64(bytes, text);
  return text;
}

TEST(Base64, WritesTheVectorsOfTheRfc) {
  EXPECT_EQ(encoded(""), "");
  EXPECT_EQ(encoded("f"), "Zg==");
  EXPECT_EQ(encoded("fo"), "Zm8=");
  EXPECT_EQ(encoded("foo"), "Zm9v");
  EXPECT_EQ(encoded("foob"), "Zm9vYg==");
  EXPECT_EQ(encoded("fooba"), "Zm9vYmE=");
  EXPECT_EQ(encoded("foobar"), "Zm9vYmFy");
  EXPECT_EQ(encoded("\xfb\xff\xfe"), "+//+");
}

TEST(Base64, ReadsBackEveryByteAtEveryPlace) {
  for (std::size_t size = 0; size < 8; ++size) {
    for (int value = 0; value < 256; ++value) {
      std::string bytes(size, '\x5a');
      for (char& byte : bytes) {
        byte = static_cast<char>(value);
        EXPECT_EQ(decode_base64(encoded(bytes)), bytes);
      }
    }
  }
}

TEST(Base64, RefusesWhatIsNone) {
  EXPECT_EQ(decode_base64("Zg="), std::nullopt);
  EXPECT_EQ(decode_base64("Zg"), std::nullopt);
  EXPECT_EQ(decode_base64("Zg==Zg=="), std::nullopt);
  EXPECT_EQ(decode_base64("Z==="), std::nullopt);
  EXPECT_EQ(decode_base64("===="), std::nullopt);
  EXPECT_EQ(decode_base64("Zm9-"), std::nullopt);
  EXPECT_EQ(decode_base64("Zm 9v AA"), std::nullopt);
}

}  // namespace
}  // namespace forebay
