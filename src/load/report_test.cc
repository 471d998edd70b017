#include "load/report.h"

#include <stdlib.h>
#include <time.h>

#include <algorithm>

#include <gtest/gtest.h>

#include "base/json.h"
#include "load/report_test_support.h"

namespace forebay::load {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::string text_of(const std::vector<Hit>& hits, const std::vector<Run>& runs = {},
                    bool full = false) {
  const Figures figures = figures_of(hits);
  const Validity validity = judge(figures, runs, {});
  return text_report({figures, runs, validity}, full);
}

std::string json_of(const std::vector<Hit>& hits, const BucketCounts* buckets = nullptr) {
  const Figures figures = figures_of(hits);
  const Validity validity = judge(figures, {}, {});
  return json_report({figures, {}, validity, buckets});
}

std::vector<Hit> the_seeds_burst() {
  std::vector<Hit> hits;
  for (int i = 0; i < 4; ++i) {
    hits.push_back(hit_at(i * milliseconds{250}, milliseconds{100} + i * Duration{1'234'567}));
    hits.back().bytes_in = 3;
  }
  hits[1].code = hits[3].code = 503;
  hits[1].failure = hits[3].failure = Failure::kStatus;
  hits[1].error = hits[3].error = "503 Service Unavailable";
  return hits;
}

constexpr const char* kBurstReport =
    "Requests      [total, rate, throughput]         4, 5.33, 2.34\n"
    "Duration      [total, attack, wait]             853.704ms, 750ms, 103.704ms\n"
    "Latencies     [min, mean, 50, 90, 95, 99, max]  100ms, 101.852ms, 101.852ms, 103.704ms, "
    "103.704ms, 103.704ms, 103.704ms\n"
    "Bytes In      [total, mean]                     12, 3.00\n"
    "Bytes Out     [total, mean]                     0, 0.00\n"
    "Success       [ratio]                           50.00%\n"
    "Status Codes  [code:count]                      200:2  503:2  \n"
    "Error Set:\n"
    "503 Service Unavailable\n";

TEST(TextReport, IsVegetasToTheColumn) { EXPECT_EQ(text_of(the_seeds_burst()), kBurstReport); }

TEST(TextReport, OfNothingEndsAfterThePadding) {
  EXPECT_EQ(text_of({}),
            "Requests      [total, rate, throughput]         0, 0.00, 0.00\n"
            "Duration      [total, attack, wait]             0s, 0s, 0s\n"
            "Latencies     [min, mean, 50, 90, 95, 99, max]  0s, 0s, 0s, 0s, 0s, 0s, 0s\n"
            "Bytes In      [total, mean]                     0, 0.00\n"
            "Bytes Out     [total, mean]                     0, 0.00\n"
            "Success       [ratio]                           0.00%\n"
            "Status Codes  [code:count]                      \n"
            "Error Set:\n");
}

TEST(TextReport, OfAValidRunSaysNothingMore) {
  std::vector<Hit> hits = the_seeds_burst();
  for (Hit& hit : hits) {
    hit.late = microseconds{50};
    hit.lag = microseconds{60};
  }
  load::Run run;
  run.hits = run.released = 4;
  run.ended = true;
  EXPECT_EQ(text_of(hits, {run}), kBurstReport);
}

TEST(TextReport, SaysWhatMustBeKnownAfterTheErrors) {
  std::vector<Hit> hits = the_seeds_burst();
  hits[3].failure = Failure::kTimeout;
  load::Run run;
  run.closed_loop = true;
  EXPECT_EQ(
      text_of(hits, {run}),
      std::string(kBurstReport) +
          "Validity      [verdict]                         INVALID: the results break off: the "
          "attack did not come to its end\n"
          "Loop          [model]                           closed: latency starts when a "
          "request is sent\n"
          "Censored      [count reason]                    1 timeout; their true latency is "
          "longer\n");
}

TEST(TextReport, InFullHasEveryTable) {
  const std::string text = text_of(the_seeds_burst(), {}, true);
  EXPECT_TRUE(text.starts_with(kBurstReport));
  for (const char* part :
       {"\nQuantile  latency", "\np99.9     103.704ms  ? - ?\n", "\nStatus  count  mean",
        "\nTarget                 count", "\nGET http://localhost/  4 ", "\nError   count  first",
        "\nstatus  2      351.235ms  853.704ms  503 Service Unavailable\n"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
}

class JsonReport : public testing::Test {
 protected:
  JsonReport() {
    setenv("TZ", "UTC", 1);
    tzset();
  }
  ~JsonReport() override {
    unsetenv("TZ");
    tzset();
  }
};

TEST_F(JsonReport, BeginsWithVegetasKeysInItsOrder) {
  const std::string expected =
      R"({"latencies":{"total":407407402,"mean":101851850,"50th":101851851,"90th":103703701,)"
      R"("95th":103703701,"99th":103703701,"max":103703701,"min":100000000},)"
      R"("bytes_in":{"total":12,"mean":3},"bytes_out":{"total":0,"mean":0},)"
      R"("earliest":"2023-11-14T22:13:20Z","latest":"2023-11-14T22:13:20.75Z",)"
      R"("end":"2023-11-14T22:13:20.853703701Z","duration":750000000,"wait":103703701,)"
      R"("requests":4,"rate":5.333333333333333,"throughput":2.3427331961396756,"success":0.5,)"
      R"("status_codes":{"200":2,"503":2},"errors":["503 Service Unavailable"],)"
      R"("schema_version":1,)";
  EXPECT_EQ(json_of(the_seeds_burst()).substr(0, expected.size()), expected);
}

TEST_F(JsonReport, HasBucketsAfterTheLatenciesOnRequest) {
  BucketCounts counts(*parse_buckets("[0,101ms]"));
  for (const Hit& hit : the_seeds_burst()) {
    counts.add(hit.latency);
  }
  EXPECT_NE(json_of(the_seeds_burst(), &counts)
                .find(R"("min":100000000},"buckets":{"0":1,"101000000":3},"bytes_in")"),
            std::string::npos);
}

TEST_F(JsonReport, OfNothingIsWhole) {
  const Json json = Json::parse(json_of({}));
  EXPECT_EQ(json["requests"], 0);
  EXPECT_EQ(json["success"], 0);
  EXPECT_EQ(json["earliest"], "0001-01-01T00:00:00Z");
  EXPECT_EQ(json["errors"], Json::array());
  EXPECT_EQ(json["validity"]["verdict"], "unknown");
}

TEST_F(JsonReport, OursFollow) {
  const Json json = Json::parse(json_of(the_seeds_burst()));
  EXPECT_EQ(json["validity"]["verdict"], "unknown");
  EXPECT_EQ(json["statuses"]["503"]["count"], 2);
  EXPECT_EQ(json["targets"]["GET http://localhost/"]["successes"], 2);
  EXPECT_EQ(json["error_classes"]["status"]["count"], 2);
  EXPECT_EQ(json["error_classes"]["status"]["first"], "2023-11-14T22:13:20.351234567Z");
  EXPECT_TRUE(json["intervals"]["p99_ns"][1].is_null());
}

TEST(Buckets, AreReadAsVegetaDoes) {
  EXPECT_EQ(*parse_buckets("[0,1ms,10ms]"), (Buckets{{}, milliseconds{1}, milliseconds{10}}));
  EXPECT_EQ(*parse_buckets("[ 2ms ]"), (Buckets{{}, milliseconds{2}}));
  EXPECT_EQ(parse_buckets("0,1ms").error().message, "bad buckets: 0,1ms");
  EXPECT_EQ(parse_buckets("[").error().message, "bad buckets: [");
  EXPECT_NE(parse_buckets("[]").error().message.find("\"\" is no duration"), std::string::npos);
  EXPECT_NE(parse_buckets("[0,1]").error().message.find("\"1\" is no duration"), std::string::npos);
}

TEST(HistogramReport, IsVegetasToTheColumn) {
  BucketCounts counts(*parse_buckets("[2ms,10ms,1.5s]"));
  const auto add = [&](int times, Duration latency) {
    for (int i = 0; i < times; ++i) {
      counts.add(latency);
    }
  };
  add(812, milliseconds{2} - Duration{1});
  add(300, milliseconds{2});
  add(80, milliseconds{10});
  add(8, seconds{2});
  EXPECT_EQ(histogram_report(counts),
            "Bucket         #    %       Histogram\n"
            "[0s,    2ms]   812  67.67%  ##################################################\n"
            "[2ms,   10ms]  300  25.00%  ##################\n"
            "[10ms,  1.5s]  80   6.67%   #####\n"
            "[1.5s,  +Inf]  8    0.67%   \n");
}

TEST(HistogramReport, OfNothingHasNoBars) {
  EXPECT_EQ(histogram_report(BucketCounts(*parse_buckets("[0,5µs]"))),
            "Bucket         #  %      Histogram\n"
            "[0s,    5µs]   0  0.00%  \n"
            "[5µs,   +Inf]  0  0.00%  \n");
}

TEST(HdrplotReport, HasTheNinetyFourQuantiles) {
  const std::string text = hdrplot_report(figures_of(rising(1200, milliseconds{1})));
  EXPECT_EQ(std::ranges::count(text, '\n'), 95);
  EXPECT_TRUE(
      text.starts_with("Value(ms)    Percentile  TotalCount  1/(1-Percentile)\n"
                       "1.000000     0.000000    0           1.000000\n"
                       "120.500000   0.100000    120         1.111111\n"))
      << text;
  for (const char* line :
       {"600.500000   0.500000    600         2.000000\n", " 0.989062 ", " 0.990625 ", " 0.998437 ",
        " 0.999994 ", "  0.999996    1200        250000.000000\n",
        "1200.000000  1.000000    1200        10000000.000000\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
  }
}

}  // namespace
}  // namespace forebay::load
