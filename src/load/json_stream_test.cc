#include <stdlib.h>
#include <time.h>

#include <limits>
#include <utility>

#include <gtest/gtest.h>

#include "load/stream_test_support.h"
#include "load/wall_time.h"

namespace forebay::load {
namespace {

constexpr auto kInt64Max = std::numeric_limits<std::int64_t>::max();
constexpr auto kInt64Min = std::numeric_limits<std::int64_t>::min();
constexpr auto kUint64Max = std::numeric_limits<std::uint64_t>::max();

/// The zone of this process, until the end of a test.
class Zone {
 public:
  explicit Zone(const char* name) {
    ::setenv("TZ", name, 1);
    ::tzset();
  }
  Zone(const Zone&) = delete;
  Zone& operator=(const Zone&) = delete;
  ~Zone() {
    ::unsetenv("TZ");
    ::tzset();
  }
};

constexpr std::string_view kVegetaLine =
    R"({"attack":"burst","seq":7,"code":503,"timestamp":"2026-01-01T00:00:00.25Z",)"
    R"("latency":21035000,"bytes_out":3,"bytes_in":12,"error":"503 Service Unavailable",)"
    R"("body":"dHJ5IGFnYWluIDwmPg==","method":"POST",)"
    R"("url":"http://localhost:6789/?a=1\u0026b=\u003c2\u003e",)"
    R"("headers":{"Content-Type":["text/plain"],"Set-Cookie":["a=1","b=\"2\""]})";

TEST(JsonStream, WritesTheKeysOfVegetaAndThenOurs) {
  const Zone utc("UTC");
  EXPECT_EQ(written(Encoding::kJson, {full_hit()}),
            std::string(kVegetaLine) +
                R"(,"late_ns":1000,"lag_ns":2000,"dns_ns":300,"connect_ns":400,"tls_ns":500,)"
                R"("first_byte_ns":20000000,"server_queue_ns":6000000,"server_app_ns":0,)"
                R"("failure":"status"})"
                "\n");
}

TEST(JsonStream, LeavesOutWhatIsNotKnown) {
  const Zone utc("UTC");
  Hit hit;
  hit.code = 200;
  hit.intended_ns = 1;
  EXPECT_EQ(written(Encoding::kJson, {hit}),
            R"({"attack":"","seq":0,"code":200,"timestamp":"1970-01-01T00:00:00.000000001Z",)"
            R"("latency":0,"bytes_out":0,"bytes_in":0,"error":"","body":null,"method":"",)"
            R"("url":"","headers":null})"
            "\n");
}

TEST(JsonStream, ReadsWhatVegetaWrites) {
  const Found found = find_hits(std::string(kVegetaLine) + "}\n");
  EXPECT_EQ(found.error, "");
  ASSERT_EQ(found.hits.size(), 1U);
  EXPECT_EQ(found.hits[0], vegeta_hit());
  EXPECT_EQ(found.reader->run(), nullptr);
}

TEST(JsonStream, ReadsBackEveryField) {
  Hit broken = full_hit();
  broken.code = 200;
  broken.failure = Failure::kReset;
  broken.error = "connection reset by peer\xe2\x80\xa8\x01";
  Hit extreme;
  extreme.sequence = extreme.bytes_out = extreme.bytes_in = kUint64Max;
  extreme.code = 65535;
  extreme.failure = Failure::kStatus;
  extreme.intended_ns = kInt64Max;
  extreme.latency = Duration{kInt64Min};
  extreme.lag = extreme.tls = Duration{kInt64Max};
  extreme.headers = {{"X-Long", std::string(1 << 20, '"')}};
  Hit least;
  least.intended_ns = kInt64Min;
  const std::vector<Hit> hits{full_hit(), broken, extreme, least};

  const Zone utc("UTC");
  const Found found = find_hits(written(Encoding::kJson, hits));
  EXPECT_EQ(found.error, "");
  EXPECT_EQ(found.hits, hits);
}

TEST(JsonStream, WritesTheTimeOfThePlace) {
  for (const auto& [zone, time] : {std::pair("Asia/Kolkata", "2026-01-01T05:30:00.25+05:30"),
                                   std::pair("America/St_Johns", "2025-12-31T20:30:00.25-03:30"),
                                   std::pair("Europe/Berlin", "2026-01-01T01:00:00.25+01:00")}) {
    const Zone local(zone);
    const std::string line = written(Encoding::kJson, {full_hit()});
    EXPECT_TRUE(line.contains(time)) << line;
    EXPECT_EQ(find_hits(line).hits, std::vector{full_hit()});
  }
}

TEST(JsonStream, AnAnswerThatBrokeHasNoCodeForVegeta) {
  Hit hit = full_hit();
  hit.code = 200;
  hit.failure = Failure::kClosed;
  const std::string line = written(Encoding::kJson, {hit});
  EXPECT_TRUE(line.contains(R"("code":0,)")) << line;
  EXPECT_TRUE(line.contains(R"("status":200,"failure":"closed")")) << line;
}

TEST(JsonStream, BytesThatAreNoTextAreReplaced) {
  Hit hit = full_hit();
  hit.error = "\xff\xc0\x80 \xed\xa0\x80 \xf4\x90\x80\x80 \xe2\x82 \xc3\xa9\xf0\x9f\x92\xa7";
  const Found found = find_hits(written(Encoding::kJson, {hit}));
  ASSERT_EQ(found.hits.size(), 1U) << found.error;
  const std::string r = "\xef\xbf\xbd";
  EXPECT_EQ(found.hits[0].error, r + r + r + " " + r + r + r + " " + r + r + r + r + " " + r + r +
                                     " \xc3\xa9\xf0\x9f\x92\xa7");
}

TEST(JsonStream, PassesOverKeysThatItDoesNotKnow) {
  const Found found = find_hits(
      R"({"timestamp":"2026-01-01T01:00:00+01:00","x":{"code":[1,{"latency":2}],"y":1.5e9},)"
      R"("latency":5,"list":[[],{}],"code":200,"error":null,"headers":{"A":["b"],"C":null}})");
  EXPECT_EQ(found.error, "");
  ASSERT_EQ(found.hits.size(), 1U);
  EXPECT_EQ(found.hits[0].intended_ns, 1'767'225'600'000'000'000);
  EXPECT_EQ(found.hits[0].latency, Duration{5});
  EXPECT_EQ(found.hits[0].code, 200);
  EXPECT_EQ(found.hits[0].failure, Failure::kNone);
  EXPECT_EQ(found.hits[0].headers, (HeaderFields{{"A", "b"}}));
}

TEST(JsonStream, TakesAnyEndOfLineAndNone) {
  const std::string line = std::string(kVegetaLine) + "}";
  const Found found = find_hits("\n \r\n" + line + "\r\n\n" + line + "\n" + line);
  EXPECT_EQ(found.error, "");
  EXPECT_EQ(found.hits, std::vector(3, vegeta_hit()));
}

TEST(JsonStream, SaysWhichLineMakesNoSense) {
  const std::string good = std::string(kVegetaLine) + "}\n";
  const auto error = [&](std::string_view line) {
    return find_hits(good + std::string(line) + "\n").error;
  };
  EXPECT_EQ(error("{\"code\": 1"), "results: line 2: no JSON from byte 11 of the line on");
  EXPECT_EQ(error("{\"code\": 65536}"), "results: line 2: the value of \"code\" makes no sense");
  EXPECT_EQ(error("{\"seq\": -1}"), "results: line 2: the value of \"seq\" makes no sense");
  EXPECT_EQ(error("{\"seq\": 18446744073709551616}"),
            "results: line 2: the value of \"seq\" makes no sense");
  EXPECT_EQ(error("{\"latency\": 9223372036854775808}"),
            "results: line 2: the value of \"latency\" makes no sense");
  EXPECT_EQ(error("{\"attack\": [\"a\"]}"),
            "results: line 2: the value of \"attack\" makes no sense");
  EXPECT_EQ(error("{\"body\": \"%\"}"), "results: line 2: the value of \"body\" makes no sense");
  EXPECT_EQ(error("{\"run\": {\"name\": \"a\"}}"),
            "results: line 2: no result: it has no timestamp or no latency");
  EXPECT_EQ(error("[1]"), "results: line 2: no result: it has no timestamp or no latency");
  EXPECT_EQ(error("1"), "results: line 2: no result: it has no timestamp or no latency");
}

TEST(Rfc3339, RefusesWhatIsNoTime) {
  EXPECT_EQ(parse_rfc3339("1969-12-31T23:59:59.5Z"), -500'000'000);
  EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:00.0000000019-00:01"), 60'000'000'001);
  for (const char* text :
       {"", "2026-01-01", "2026-01-01T00:00:00", "2026-02-30T00:00:00Z", "2026-01-01T24:00:00Z",
        "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00Z ", "2026-01-01T00:00:00+1:00",
        "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2262-04-11T23:47:16.854775808Z",
        "-026-01-01T00:00:00Z", "2026-01-01T00:-1:00Z"}) {
    EXPECT_EQ(parse_rfc3339(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_rfc3339("2262-04-11T23:47:16.854775807Z"), kInt64Max);
  EXPECT_EQ(parse_rfc3339("1677-09-21T00:12:43.145224192Z"), kInt64Min);
  EXPECT_EQ(parse_rfc3339("1677-09-21T00:12:43.145224191Z"), std::nullopt);
}

}  // namespace
}  // namespace forebay::load
