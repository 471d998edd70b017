#include "load/hit_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"

namespace forebay::load {
namespace {

using testing::HasSubstr;
using testing::Not;

Hit hit(std::string url, int code, Duration latency) {
  Hit hit;
  hit.method = "GET";
  hit.url = std::move(url);
  hit.code = code;
  hit.latency = latency;
  hit.bytes_in = 10;
  hit.bytes_out = 3;
  if (code >= 400) {
    hit.failure = Failure::kStatus;
    hit.error = format("{} \"no\"\n", code);
  }
  return hit;
}

TEST(HitMetrics, HaveVegetasNamesAndLabels) {
  HitMetrics metrics;
  metrics.add(hit("http://a/", 200, std::chrono::milliseconds(5)));
  metrics.add(hit("http://a/", 200, std::chrono::seconds(20)));
  metrics.add(hit("http://a/", 503, std::chrono::milliseconds(6)));
  const std::string text = metrics.text();
  const std::string labels = R"({method="GET",url="http://a/",status="200")";
  EXPECT_THAT(text, HasSubstr("# TYPE request_seconds histogram\n"));
  EXPECT_THAT(text, HasSubstr("request_seconds_bucket" + labels + ",le=\"0.005\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("request_seconds_bucket" + labels + ",le=\"10\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("request_seconds_bucket" + labels + ",le=\"+Inf\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("request_seconds_sum" + labels + "} 20.005\n"));
  EXPECT_THAT(text, HasSubstr("request_seconds_count" + labels + "} 2\n"));
  EXPECT_THAT(text, HasSubstr("request_bytes_in" + labels + "} 20\n"));
  EXPECT_THAT(text, HasSubstr("request_bytes_out" + labels + "} 6\n"));
  EXPECT_THAT(text, HasSubstr("request_fail_count{method=\"GET\",url=\"http://a/\",status=\"503\","
                              "message=\"503 \\\"no\\\"\\n\"} 1\n"));
}

TEST(HitMetrics, AreBounded) {
  HitMetrics metrics;
  for (std::size_t i = 0; i < HitMetrics::kSeriesMax + 50; ++i) {
    metrics.add(hit(format("http://a/{}", i), 500, Duration{0}));
  }
  const std::string text = metrics.text();
  EXPECT_THAT(text,
              HasSubstr("request_seconds_count{method=\"GET\",url=\"other\",status=\"500\"} 50"));
  EXPECT_THAT(text, HasSubstr("url=\"other\",status=\"500\",message=\"other\"} 50\n"));
  EXPECT_THAT(text, HasSubstr(format("url=\"http://a/{}\"", HitMetrics::kSeriesMax - 1)));
  EXPECT_THAT(text, Not(HasSubstr(format("url=\"http://a/{}\"", HitMetrics::kSeriesMax))));
}

}  // namespace
}  // namespace forebay::load
