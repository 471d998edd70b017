#include "net/network_set.h"

#include <gtest/gtest.h>

namespace forebay::net {
namespace {

bool has(std::string_view set, std::string_view address) {
  const Result<NetworkSet> parsed = NetworkSet::parse(set);
  EXPECT_TRUE(parsed) << set;
  return parsed && parsed->contains(address);
}

TEST(NetworkSet, HasTheAddressesItNames) {
  EXPECT_TRUE(has("127.0.0.1,::1", "127.0.0.1"));
  EXPECT_TRUE(has("127.0.0.1, ::1", "::1"));
  EXPECT_FALSE(has("127.0.0.1,::1", "127.0.0.2"));
  EXPECT_FALSE(has("", "127.0.0.1"));
  EXPECT_TRUE(has("127.0.0.1", "::ffff:127.0.0.1"));
  EXPECT_TRUE(has("2001:DB8::1", "2001:db8:0::1"));
}

TEST(NetworkSet, HasNetworksToTheLastBit) {
  EXPECT_TRUE(has("10.0.0.0/8", "10.255.255.255"));
  EXPECT_FALSE(has("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(has("192.168.1.128/25", "192.168.1.128"));
  EXPECT_FALSE(has("192.168.1.128/25", "192.168.1.127"));
  EXPECT_TRUE(has("192.168.1.7/31", "192.168.1.6"));
  EXPECT_FALSE(has("192.168.1.7/32", "192.168.1.6"));
  EXPECT_TRUE(has("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(has("2001:db8::/33", "2001:db8:8000::1"));
  EXPECT_TRUE(has("0.0.0.0/0", "9.9.9.9"));
  EXPECT_FALSE(has("0.0.0.0/0", "2001:db8::1"));
}

TEST(NetworkSet, AStarIsEverything) {
  EXPECT_TRUE(has("*", "2001:db8::1"));
  EXPECT_TRUE(has("10.0.0.1,*", "unknown"));
}

TEST(NetworkSet, SaysWhatIsNoAddress) {
  for (const std::string_view text : {"localhost", "10.0.0.0/33", "::/129", "1.2.3.4/", "1.2.3.4/x",
                                      "/8", "1.2.3", "10.0.0.0/-1", "1.1.1.1;2.2.2.2"}) {
    const Result<NetworkSet> parsed = NetworkSet::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_NE(parsed.error().message.find(text), std::string::npos);
  }
}

}  // namespace
}  // namespace forebay::net
