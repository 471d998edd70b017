#include "front/arrivals.h"

#include <array>
#include <limits>

#include <gtest/gtest.h>

namespace forebay::front {
namespace {

using queue::Priority;
using std::chrono::milliseconds;

PriorityRule rule(std::string_view text) { return *PriorityRule::parse(text); }

TEST(PriorityRule, IsReadFromItsText) {
  EXPECT_EQ(rule("high:path=/pay/").priority, Priority::kHigh);
  EXPECT_EQ(rule("high:path=/pay/").path, "/pay/");
  EXPECT_EQ(rule("low:header=X-Batch").header, "X-Batch");
  EXPECT_EQ(rule("low:header=X-Batch").value, std::nullopt);
  EXPECT_EQ(rule("normal:header=X-Kind=a=b").header, "X-Kind");
  EXPECT_EQ(rule("normal:header=X-Kind=a=b").value, "a=b");
  EXPECT_EQ(rule("low:header=X-Kind=").value, "");
}

TEST(PriorityRule, SaysWhatARuleLooksLike) {
  for (const std::string_view text :
       {"", "high", "high:", "high:path", "urgent:path=/", "high:path=pay", "high:path=",
        "high:header=", "high:header==x", "high:cookie=x", ":path=/", "path=/x", "high=path:/x"}) {
    const Result<PriorityRule> read = PriorityRule::parse(text);
    ASSERT_FALSE(read) << text;
    EXPECT_NE(read.error().message.find("low:path=/reports/"), std::string::npos);
  }
}

TEST(PriorityRule, FitsByPathOrHeader) {
  const std::array<http::Field, 2> fields{{{"X-Kind", "crawler"}, {"x-empty", ""}}};
  http::RequestHead head;
  head.path_and_query = "/r%65ports/1?x=/pay";
  head.fields = fields;
  EXPECT_TRUE(rule("low:path=/reports/").fits(head));
  EXPECT_TRUE(rule("low:path=/rep").fits(head));
  EXPECT_FALSE(rule("low:path=/pay").fits(head));
  EXPECT_TRUE(rule("low:header=x-kind").fits(head));
  EXPECT_TRUE(rule("low:header=X-KIND=crawler").fits(head));
  EXPECT_FALSE(rule("low:header=X-Kind=Crawler").fits(head));
  EXPECT_TRUE(rule("low:header=X-Empty").fits(head));
  EXPECT_FALSE(rule("low:header=X-Other").fits(head));
}

TEST(ArrivalRules, TheFirstRuleThatFitsCounts) {
  http::RequestHead head;
  ArrivalRules rules;
  rules.priorities = {rule("high:path=/reports/urgent"), rule("low:path=/reports")};
  head.path_and_query = "/reports/urgent/1";
  EXPECT_EQ(rules.priority_of(head), Priority::kHigh);
  head.path_and_query = "/reports/2";
  EXPECT_EQ(rules.priority_of(head), Priority::kLow);
  head.path_and_query = "/";
  EXPECT_EQ(rules.priority_of(head), Priority::kNormal);
}

std::optional<Duration> time_left(std::string_view text) { return parse_time_left("X-Left", text); }
std::optional<Duration> grpc_timeout(std::string_view text) {
  return parse_time_left("Grpc-Timeout", text);
}

TEST(TimeLeft, IsMillisecondsUnlessItSaysSeconds) {
  EXPECT_EQ(time_left("250"), milliseconds(250));
  EXPECT_EQ(time_left("250ms"), milliseconds(250));
  EXPECT_EQ(time_left("2s"), milliseconds(2000));
  EXPECT_EQ(time_left("1.5s"), milliseconds(1500));
  EXPECT_EQ(time_left("0"), milliseconds(0));
}

TEST(TimeLeft, IsADayAtMost) {
  EXPECT_EQ(time_left("86400s"), std::chrono::hours(24));
  EXPECT_EQ(time_left("86401s"), std::chrono::hours(24));
  EXPECT_EQ(time_left(std::string(300, '9')), std::chrono::hours(24));
  EXPECT_EQ(grpc_timeout("99999999H"), std::chrono::hours(24));
}

TEST(TimeLeft, IsNothingElse) {
  for (const std::string_view text : {"", "ms", "s", "-1", "+1", "1m", "1 s", " 1", "1e3", "0x1",
                                      "nan", "inf", "-inf", "1,5s", "S", "2S", "100m"}) {
    EXPECT_EQ(time_left(text), std::nullopt) << text;
  }
}

TEST(TimeLeft, HasTheUnitsOfGrpcInItsHeader) {
  EXPECT_EQ(grpc_timeout("1H"), std::chrono::hours(1));
  EXPECT_EQ(grpc_timeout("2M"), std::chrono::minutes(2));
  EXPECT_EQ(grpc_timeout("3S"), std::chrono::seconds(3));
  EXPECT_EQ(grpc_timeout("250m"), milliseconds(250));
  EXPECT_EQ(grpc_timeout("250u"), std::chrono::microseconds(250));
  EXPECT_EQ(grpc_timeout("250n"), std::chrono::nanoseconds(250));
  for (const std::string_view text : {"", "250", "250ms", "2s", "m", "-1m", "1 S", "1mS"}) {
    EXPECT_EQ(grpc_timeout(text), std::nullopt) << text;
  }
}

TEST(ClientNumber, IsTheAddressOrTheNetworkOfIpv6) {
  EXPECT_EQ(client_number("10.0.0.7"), 0x0a000007U);
  EXPECT_EQ(client_number("::ffff:10.0.0.7"), client_number("10.0.0.7"));
  EXPECT_NE(client_number("10.0.0.7"), client_number("10.0.0.8"));
  EXPECT_EQ(client_number("2001:db8::1"), client_number("2001:db8::ffff:2"));
  EXPECT_NE(client_number("2001:db8::1"), client_number("2001:db8:0:1::1"));
  EXPECT_EQ(client_number(""), 0U);
}

}  // namespace
}  // namespace forebay::front
