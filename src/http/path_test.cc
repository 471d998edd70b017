#include "http/path.h"

#include <gtest/gtest.h>

namespace forebay::http {
namespace {

TEST(AfterPrefix, IsWhatComesAfterIt) {
  EXPECT_EQ(after_prefix("/shop/cart", "/shop"), "/cart");
  EXPECT_EQ(after_prefix("/shop", "/shop"), "");
  EXPECT_EQ(after_prefix("/shop", ""), "/shop");
  EXPECT_EQ(after_prefix("/sho", "/shop"), std::nullopt);
  EXPECT_EQ(after_prefix("/ship", "/shop"), std::nullopt);
}

TEST(AfterPrefix, ComparesWhatIsMeant) {
  EXPECT_EQ(after_prefix("/%73h%6Fp/%41", "/shop"), "/%41");
  EXPECT_EQ(after_prefix("/a%20b", "/a b"), "");
  EXPECT_EQ(after_prefix("/%7", "/\x07"), std::nullopt);
  EXPECT_EQ(after_prefix("/%zz", "/%zz"), "");
  EXPECT_EQ(after_prefix("/Shop", "/shop"), std::nullopt);
}

}  // namespace
}  // namespace forebay::http
