#include <limits>

#include <gtest/gtest.h>

#include "base/text.h"
#include "load/gob_wire.h"
#include "load/stream_test_support.h"

namespace forebay::load {
namespace {

using namespace std::string_literals;

constexpr auto kInt64Max = std::numeric_limits<std::int64_t>::max();
constexpr auto kInt64Min = std::numeric_limits<std::int64_t>::min();
constexpr auto kUint64Max = std::numeric_limits<std::uint64_t>::max();

/// A message: its size, and what makes it.
std::string message(const std::string& content) {
  std::string out;
  put_gob_string(content, out);
  return out;
}

/// The definition of a struct: fields of {name, number of the type}.
std::string definition(std::int64_t id,
                       const std::vector<std::pair<std::string, std::int64_t>>& fields) {
  std::string content;
  put_gob_int(-id, content);
  content += "\x03\x01\x00\x01"s;  // StructT {CommonType {}, Field
  put_gob_uint(fields.size(), content);
  for (const auto& [name, type] : fields) {
    content += "\x01";
    put_gob_string(name, content);
    content += "\x01";
    put_gob_int(type, content);
    content += "\x00"s;
  }
  return message(content + "\x00\x00"s);
}

/// Type 64, {Seq uint; Timestamp T}, whatever T is, and a value of it: Seq 5.
std::string stream_with(std::int64_t type, const std::string& definitions,
                        const std::string& value) {
  std::string content;
  put_gob_int(64, content);
  return definition(64, {{"Seq", kGobUint}, {"Other", type}, {"Timestamp", kGobString}}) +
         definitions + message(content + "\x01\x05\x01"s + value + "\x00"s);
}

TEST(GobStream, WritesNumbersAsGoDoes) {
  const auto uint = [](std::uint64_t value) {
    std::string out;
    put_gob_uint(value, out);
    EXPECT_EQ(GobCursor(out).uint(), value);
    return out;
  };
  const auto sint = [](std::int64_t value) {
    std::string out;
    put_gob_int(value, out);
    EXPECT_EQ(GobCursor(out).sint(), value);
    return out;
  };
  EXPECT_EQ(uint(0), "\x00"s);
  EXPECT_EQ(uint(7), "\x07");
  EXPECT_EQ(uint(127), "\x7f");
  EXPECT_EQ(uint(128), "\xff\x80");
  EXPECT_EQ(uint(256), "\xfe\x01\x00"s);
  EXPECT_EQ(uint(kUint64Max), "\xf8\xff\xff\xff\xff\xff\xff\xff\xff");
  EXPECT_EQ(sint(-1), "\x01");
  EXPECT_EQ(sint(7), "\x0e");
  EXPECT_EQ(sint(-129), "\xfe\x01\x01");
  EXPECT_EQ(sint(kInt64Max), "\xf8\xff\xff\xff\xff\xff\xff\xff\xfe");
  EXPECT_EQ(sint(kInt64Min), "\xf8\xff\xff\xff\xff\xff\xff\xff\xff");
}

TEST(GobStream, LeavesOutWhatIsZero) {
  const std::string empty = written(Encoding::kGob, {});
  EXPECT_EQ(empty.size(), 152U + 17 + 24 + 13);
  Hit hit;
  hit.latency = Duration{-1};
  EXPECT_EQ(written(Encoding::kGob, {hit}).substr(empty.size()),
            // size, type 64, field 3 of 15 bytes, field 4, end
            "\x16\xff\x80\x04\x0f\x01\x00\x00\x00\x0e\x77\x91\xf7\x00\x00\x00\x00\x00\x00\x00"
            "\x01\x01\x00"s);
}

TEST(GobStream, ReadsBackEveryField) {
  Hit extreme;
  extreme.sequence = extreme.bytes_out = extreme.bytes_in = kUint64Max;
  extreme.code = 65535;
  extreme.failure = Failure::kStatus;
  extreme.intended_ns = kInt64Max;
  extreme.latency = Duration{kInt64Min};
  extreme.error = "\xff\x00"s;
  extreme.headers = {{"X-Long", std::string(1 << 20, '"')}, {"X-None", ""}};
  Hit least = extreme;
  least.intended_ns = kInt64Min;
  least.latency = Duration{kInt64Max};
  const std::vector<Hit> hits{vegeta_hit(), extreme, least};
  const Found found = find_hits(written(Encoding::kGob, hits));
  EXPECT_EQ(found.error, "");
  EXPECT_EQ(found.hits, hits);
  EXPECT_EQ(found.reader->run(), nullptr);
}

TEST(GobStream, PassesOverFieldsThatItDoesNotKnow) {
  const auto sequence = [](std::int64_t type, const std::string& definitions,
                           const std::string& value) {
    const Found found = find_hits(stream_with(type, definitions, value));
    EXPECT_EQ(found.error, "");
    return found.hits.size() == 1 ? found.hits[0].sequence : 0;
  };
  EXPECT_EQ(sequence(kGobBool, "", "\x01"), 5U);
  EXPECT_EQ(sequence(kGobFloat, "", "\xfe\xf0\x3f"), 5U);
  EXPECT_EQ(sequence(kGobComplex, "", "\x01\xfe\xf0\x3f"), 5U);
  EXPECT_EQ(sequence(kGobBytes, "", "\x03xyz"), 5U);
  EXPECT_EQ(sequence(kGobInterface, "", "\x00"s), 5U);
  EXPECT_EQ(sequence(kGobInterface, "", "\x03int\x04\x02\x00\x04"s), 5U);
  // A struct with one string; a map of ints to such structs; an opaque one.
  const std::string inner = definition(65, {{"S", kGobString}});
  EXPECT_EQ(sequence(65, inner, "\x01\x01x\x00"s), 5U);
  const std::string map = message("\xff\x83\x04\x01\x00\x01\x04\x01\xff\x82\x00\x00"s);
  EXPECT_EQ(sequence(66, inner + map, "\x02\x0e\x01\x01x\x00\x10\x00"s), 5U);
  const std::string opaque = message("\xff\x81\x05\x01\x00\x00\x00"s);
  EXPECT_EQ(sequence(65, opaque, "\x02xy"), 5U);
}

TEST(GobStream, OfHostileMakeIsRefused) {
  const auto error = [](const std::string& bytes) { return find_hits(bytes).error; };
  const std::string undetected = "can't detect encoding of \"results\"";
  EXPECT_EQ(error(stream_with(99, "", "\x01")), undetected);  // not defined
  EXPECT_EQ(error(stream_with(kGobBytes, "", "\xf8\x7f\xff\xff\xff\xff\xff\xff\xff")), undetected);
  EXPECT_EQ(error(stream_with(kGobBytes, "", "\x80")), undetected);  // 128 bytes of a number
  // A struct that has itself as field, and a value that goes down without end.
  EXPECT_EQ(error(stream_with(65, definition(65, {{"S", 65}}), std::string(1000, '\x01'))),
            undetected);
  // A slice of 2^62 bools.
  const std::string slice = message("\xff\x81\x02\x01\x00\x01\x02\x00\x00"s);
  EXPECT_EQ(error(stream_with(65, slice, "\xf8\x40\x00\x00\x00\x00\x00\x00\x00"s)), undetected);
  // A type twice; a field beyond the last one; a message of 2^63 bytes.
  EXPECT_EQ(error(definition(64, {}) + definition(64, {})), undetected);
  EXPECT_EQ(error(definition(64, {{"Timestamp", kGobInt}}) + message("\xff\x80\x02\x00"s)),
            undetected);
  EXPECT_EQ(error("\xf8\x80\x00\x00\x00\x00\x00\x00\x00"s), undetected);
}

TEST(GobStream, SaysWhereAMessageMakesNoSense) {
  const std::string good = written(Encoding::kGob, {vegeta_hit()});
  const std::string place = format("results: the gob message at byte {} ", good.size());
  EXPECT_EQ(find_hits(good + "\x01\x02"s).error, place + "makes no sense");
  EXPECT_EQ(find_hits(good + "\x00"s).error, place + "makes no sense");
  EXPECT_EQ(find_hits(good + "\x02\xff"s).error, place + "is cut");
  EXPECT_EQ(find_hits(good + "\xf8\x01\x00\x00\x00\x00\x00\x00\x00"s).error,
            place + "is longer than 268435456 bytes");
  EXPECT_EQ(find_hits(good + "\x02\xff"s).hits.size(), 1U);
}

TEST(GobStream, DefinesSoManyTypesAtMost) {
  std::string many;
  for (std::size_t i = 0; i < GobTypes::kTypesMax - 1; ++i) {
    many += definition(static_cast<std::int64_t>(65 + i), {});
  }
  EXPECT_EQ(find_hits(stream_with(kGobBool, many, "\x01")).hits.size(), 1U);
  many += definition(1000, {});
  EXPECT_EQ(find_hits(stream_with(kGobBool, many, "\x01")).hits.size(), 0U);
}

TEST(GobStream, OneRecordMayBeAsLongAsTheLimit) {
  const std::string bytes = written(Encoding::kGob, {full_hit()});
  const auto read = [&](std::size_t limit) {
    return find_hits(source_of(bytes, {.record_bytes = limit, .read_bytes = 1})).hits.size();
  };
  const std::size_t longest = bytes.size() - written(Encoding::kGob, {}).size();
  EXPECT_EQ(read(longest), 1U);
  EXPECT_EQ(read(longest - 1), 0U);
}

}  // namespace
}  // namespace forebay::load
