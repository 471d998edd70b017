#include <limits>

#include <gtest/gtest.h>

#include "load/stream_test_support.h"

namespace forebay::load {
namespace {

using namespace std::string_literals;

constexpr auto kInt64Max = std::numeric_limits<std::int64_t>::max();
constexpr auto kInt64Min = std::numeric_limits<std::int64_t>::min();
constexpr auto kUint64Max = std::numeric_limits<std::uint64_t>::max();

const std::string kHead =
    "\x89"
    "forebay\r\n\x01"s;

/// Sequence 1, code 200, at 0, latency 300 ns, lag 5 ns, 2 bytes in; attack "a", GET, "u", header
/// K: v.
const std::string kRecord =
    "\x1b"  // size
    "H"
    "\x01"      // sequence
    "\x90\x03"  // code
    "\x00"      // intended
    "\xd8\x04"  // latency
    "\x02\x05"  // known clocks: lag
    "\x00\x02"  // bytes
    "\x00"      // failure
    "\x01"
    "a"
    "\x03GET"
    "\x01u"
    "\x00\x00"  // error, body
    "\x01\x01K\x01v"s;

Hit small_hit() {
  Hit hit;
  hit.attack = "a";
  hit.sequence = 1;
  hit.code = 200;
  hit.latency = Duration{300};
  hit.lag = Duration{5};
  hit.bytes_in = 2;
  hit.method = "GET";
  hit.url = "u";
  hit.headers = {{"K", "v"}};
  return hit;
}

Run full_run() {
  Run run;
  run.name = "burst";
  run.schedule = "constant 200/1s for 1s";
  run.schedule_hash = kUint64Max;
  run.hits = 200;
  run.shard = 1;
  run.shards = 3;
  run.start_ns = kInt64Min;
  run.closed_loop = true;
  run.concurrency = 64;
  run.ended = true;
  run.interrupted = true;
  run.released = 150;
  run.elapsed = Duration{kInt64Max};
  run.cpu = Duration{5};
  run.connections = kUint64Max;
  run.invalid = {"late", ""};
  return run;
}

TEST(BinaryStream, IsWrittenByteForByte) {
  EXPECT_EQ(written(Encoding::kBinary, {small_hit()}), kHead + kRecord);
}

TEST(BinaryStream, IsReadByteForByte) {
  const Found found = find_hits(kHead + kRecord + kRecord);
  EXPECT_EQ(found.error, "");
  EXPECT_EQ(found.hits, std::vector(2, small_hit()));
  EXPECT_EQ(found.reader->run(), nullptr);
}

TEST(BinaryStream, ReadsBackEveryField) {
  Hit extreme;
  extreme.sequence = extreme.bytes_out = extreme.bytes_in = kUint64Max;
  extreme.code = std::numeric_limits<std::uint16_t>::max();
  extreme.failure = Failure::kUnfinished;
  extreme.intended_ns = kInt64Max;
  extreme.latency = Duration{kInt64Min};
  extreme.late = extreme.server_app = Duration{kInt64Max};
  extreme.error = "\xff\0 no text"s;
  extreme.headers = {{"b", std::string(1 << 20, '\0')}, {"A", ""}, {"b", "c"}};
  Hit least;
  least.intended_ns = kInt64Min;
  least.latency = Duration{kInt64Max};
  const std::vector<Hit> hits{full_hit(), extreme, least};
  const Found found = find_hits(written(Encoding::kBinary, hits, full_run()));
  EXPECT_EQ(found.error, "");
  EXPECT_EQ(found.hits, hits);
  ASSERT_NE(found.reader->run(), nullptr);
  EXPECT_EQ(*found.reader->run(), full_run());
}

TEST(BinaryStream, WithoutHitsIsAStream) {
  const Found found = find_hits(written(Encoding::kBinary, {}, full_run()));
  EXPECT_EQ(found.error, "");
  EXPECT_EQ(found.hits.size(), 0U);
  EXPECT_EQ(*found.reader->run(), full_run());
}

TEST(BinaryStream, ThatWasCutAnywhereGivesItsWholeRecords) {
  const std::string whole = written(Encoding::kBinary, {full_hit(), small_hit()}, full_run());
  std::size_t before = 0;
  for (std::size_t size = 2; size < whole.size(); ++size) {
    const Found found = find_hits(whole.substr(0, size));
    ASSERT_EQ(found.error, "") << size;
    ASSERT_GE(found.hits.size(), before);
    before = found.hits.size();
    if (found.reader->run() != nullptr) {
      EXPECT_FALSE(found.reader->run()->ended);
    }
  }
  EXPECT_EQ(before, 2U);
}

TEST(BinaryStream, SaysWhereARecordIsCorrupt) {
  const auto error = [](const std::string& record) {
    return find_hits(kHead + kRecord + record).error;
  };
  const std::string corrupt = "results: the record at byte 39 is corrupt";
  EXPECT_EQ(error("\x00"s), corrupt);
  EXPECT_EQ(error("\x01X"s), corrupt);
  EXPECT_EQ(error("\x02H\x01"s), corrupt);
  std::string longer = kRecord + "\x00"s;
  ++longer[0];
  EXPECT_EQ(error(longer), corrupt);
  std::string no_failure = kRecord;
  no_failure[12] = 14;
  EXPECT_EQ(error(no_failure), corrupt);
  std::string many_headers = kRecord;
  many_headers[23] = 2;
  EXPECT_EQ(error(many_headers), corrupt);
  std::string long_text = kRecord;
  long_text[13] = '\x7f';
  EXPECT_EQ(error(long_text), corrupt);
  EXPECT_EQ(error("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s),
            corrupt + ", or longer than 268435456 bytes");
  EXPECT_EQ(error("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"s),
            corrupt + ", or longer than 268435456 bytes");
}

TEST(BinaryStream, OfAnotherVersionIsRefused) {
  EXPECT_TRUE(find_hits("\x89"
                        "forebay\r\n\x02"s)
                  .error.contains("format 2"));
  EXPECT_EQ(find_hits("\x89"
                      "forebay\n\x01 and more"s)
                .error,
            "results: this is no stream of results");
}

TEST(BinaryStream, OneRecordMayBeAsLongAsTheLimit) {
  const auto read = [](std::size_t limit) {
    return find_hits(source_of(kHead + kRecord, {.record_bytes = limit, .read_bytes = 7}));
  };
  EXPECT_EQ(read(27).hits.size(), 1U);
  EXPECT_EQ(read(26).hits.size(), 0U);
  EXPECT_EQ(read(26).error, "results: the record at byte 11 is corrupt, or longer than 26 bytes");
}

}  // namespace
}  // namespace forebay::load
