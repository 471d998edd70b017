#include <limits>

#include <gtest/gtest.h>

#include "load/stream_test_support.h"

namespace forebay::load {
namespace {

constexpr auto kInt64Max = std::numeric_limits<std::int64_t>::max();
constexpr auto kInt64Min = std::numeric_limits<std::int64_t>::min();
constexpr auto kUint64Max = std::numeric_limits<std::uint64_t>::max();

// The headers are "Content-Type: text/plain", "Set-Cookie: a=1" and `Set-Cookie: b="2"`.
constexpr std::string_view kLine =
    "1767225600250000000,503,21035000,3,12,503 Service Unavailable,dHJ5IGFnYWluIDwmPg==,burst,7,"
    "POST,http://localhost:6789/?a=1&b=<2>,"
    "Q29udGVudC1UeXBlOiB0ZXh0L3BsYWluDQpTZXQtQ29va2llOiBhPTENClNldC1Db29raWU6IGI9IjIiDQoNCg==\n";

TEST(CsvStream, IsWrittenByteForByte) { EXPECT_EQ(written(Encoding::kCsv, {full_hit()}), kLine); }

TEST(CsvStream, LeavesEmptyWhatIsEmpty) {
  EXPECT_EQ(written(Encoding::kCsv, {Hit{}}), "0,0,0,0,0,,,,0,,,\n");
}

TEST(CsvStream, IsReadByteForByte) {
  const Found found = find_hits(kLine);
  EXPECT_EQ(found.error, "");
  EXPECT_EQ(found.hits, std::vector{vegeta_hit()});
  EXPECT_EQ(found.reader->run(), nullptr);
}

TEST(CsvStream, ReadsBackEveryField) {
  Hit odd = vegeta_hit();
  odd.code = 0;
  odd.failure = Failure::kRefused;
  odd.error = "dial tcp: \"connection refused\",\r\nat\n";
  odd.attack = " leading";
  odd.method = "\xc2\xa0\xff";
  odd.url = "\\.";
  Hit extreme;
  extreme.sequence = extreme.bytes_out = extreme.bytes_in = kUint64Max;
  extreme.code = 65535;
  extreme.failure = Failure::kStatus;
  extreme.intended_ns = kInt64Max;
  extreme.latency = Duration{kInt64Min};
  extreme.headers = {{"X-Long", std::string(1 << 20, '"')}, {"X-None", ""}};
  Hit least = extreme;
  least.intended_ns = kInt64Min;
  least.latency = Duration{kInt64Max};
  const std::vector<Hit> hits{odd, extreme, least};
  const Found found = find_hits(written(Encoding::kCsv, hits));
  EXPECT_EQ(found.error, "");
  EXPECT_EQ(found.hits, hits);
}

TEST(CsvStream, HeadersAreMadeFitForLines) {
  Hit hit;
  hit.headers = {{"x-b", " two\r\nlines "}, {"not a name", "gone"}, {"X-A", "1"}, {"X-B", "2"}};
  const Found found = find_hits(written(Encoding::kCsv, {hit}));
  ASSERT_EQ(found.hits.size(), 1U) << found.error;
  EXPECT_EQ(found.hits[0].headers,
            (HeaderFields{{"X-A", "1"}, {"X-B", "two  lines"}, {"X-B", "2"}}));
}

TEST(CsvStream, TakesAnyEndOfLineAndNone) {
  std::string line(kLine);
  line.pop_back();
  const Found found = find_hits("\n" + line + "\r\n\r\n\n" + line + "\n " + line);
  EXPECT_EQ(found.error, "");
  EXPECT_EQ(found.hits, std::vector(3, vegeta_hit()));
}

TEST(CsvStream, SaysWhichRecordMakesNoSense) {
  const auto error = [](std::string_view record) {
    return find_hits(std::string(kLine) + std::string(record)).error;
  };
  EXPECT_EQ(error("0,0,0,0,0,,,,0,,\n"), "results: record 2: not 12 fields of CSV");
  EXPECT_EQ(error("0,0,0,0,0,,,,0,,,,\n"), "results: record 2: not 12 fields of CSV");
  EXPECT_EQ(error("0,0,0,0,0,a\"b,,,0,,,\n"), "results: record 2: not 12 fields of CSV");
  EXPECT_EQ(error("0,0,0,0,0,\"a\"b,,,0,,,\n"), "results: record 2: not 12 fields of CSV");
  EXPECT_EQ(error("0,0,0,0,0,\"a,,,0,,,\n"), "results: record 2: not 12 fields of CSV");
  EXPECT_EQ(error("x,0,0,0,0,,,,0,,,\n"), "results: record 2: its timestamp makes no sense");
  EXPECT_EQ(error("0,65536,0,0,0,,,,0,,,\n"), "results: record 2: its code makes no sense");
  EXPECT_EQ(error("0,-1,0,0,0,,,,0,,,\n"), "results: record 2: its code makes no sense");
  EXPECT_EQ(error("0,0,9223372036854775808,0,0,,,,0,,,\n"),
            "results: record 2: its latency makes no sense");
  EXPECT_EQ(error("0,0,0,-1,0,,,,0,,,\n"), "results: record 2: its number of bytes makes no sense");
  EXPECT_EQ(error("0,0,0,0,0,,%,,0,,,\n"), "results: record 2: its body makes no sense");
  EXPECT_EQ(error("0,0,0,0,0,,,,1.5,,,\n"),
            "results: record 2: its sequence number makes no sense");
  EXPECT_EQ(error("0,0,0,0,0,,,,0,,,QQ==\n"), "results: record 2: its header block makes no sense");
}

}  // namespace
}  // namespace forebay::load
