#include "load/result_stream.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <array>

#include <gtest/gtest.h>

#include "base/text.h"
#include "load/stream_test_support.h"

namespace forebay::load {
namespace {

constexpr std::array kAll{Encoding::kBinary, Encoding::kJson, Encoding::kCsv, Encoding::kGob};

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    CHECK(::pipe(ends.data()) == 0);
    out = Fd(ends[0]);
    in = Fd(ends[1]);
  }
  void put(std::string_view bytes) const {
    CHECK(::write(in.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }
  Fd out;
  Fd in;
};

TEST(ResultStream, KnowsFourEncodings) {
  EXPECT_EQ(parse_encoding("binary"), Encoding::kBinary);
  EXPECT_EQ(parse_encoding("json"), Encoding::kJson);
  EXPECT_EQ(parse_encoding("csv"), Encoding::kCsv);
  EXPECT_EQ(parse_encoding("gob"), Encoding::kGob);
  EXPECT_EQ(parse_encoding("JSON").error().message,
            "unknown encoding \"JSON\": use binary, json, csv or gob");
}

TEST(ResultStream, OfNoEncodingIsNamed) {
  for (const char* text :
       {"", "\n", "x", "{}\n", "hello, world\n", "1,2,3\n", "<html>\n", "\xff\xff"}) {
    EXPECT_EQ(find_hits(text).error, "can't detect encoding of \"results\"") << text;
  }
}

TEST(ResultStream, ThatIsNotThereIsNamed) {
  const Result<std::unique_ptr<HitReader>> missing = HitReader::open("/nowhere/results.bin");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message, "cannot open /nowhere/results.bin: No such file or directory");
  const Result<std::unique_ptr<HitReader>> folder = HitReader::open("/");
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().message, "cannot read /: Is a directory");
}

TEST(ResultStream, IsReadInPiecesOfAnySize) {
  for (const Encoding encoding : kAll) {
    const std::string bytes = written(encoding, {vegeta_hit(), vegeta_hit(), vegeta_hit()});
    for (std::size_t size = 1; size < 70; ++size) {
      const Found found = find_hits(source_of(bytes, {.read_bytes = size}));
      EXPECT_EQ(found.error, "");
      EXPECT_EQ(found.hits, std::vector(3, vegeta_hit()));
    }
  }
}

TEST(ResultStream, OneRecordMayBeAsLongAsTheLimit) {
  const std::string bytes = written(Encoding::kJson, {vegeta_hit()});
  const auto read = [&](std::size_t limit) {
    return find_hits(source_of(bytes + bytes, {.record_bytes = limit, .read_bytes = 1}));
  };
  EXPECT_EQ(read(bytes.size()).hits.size(), 2U);
  EXPECT_EQ(read(bytes.size() - 1).error, "can't detect encoding of \"results\"");
  const Found found =
      find_hits(source_of(bytes + " " + bytes, {.record_bytes = bytes.size(), .read_bytes = 1}));
  EXPECT_EQ(found.hits.size(), 1U);
  EXPECT_EQ(found.error, format("results: the record at byte {} is longer than {} bytes",
                                bytes.size(), bytes.size()));
}

TEST(ResultStream, GivesEachHitAsSoonAsItIsThere) {
  for (const Encoding encoding : kAll) {
    const Pipe pipe;
    pipe.put(written(encoding, {vegeta_hit()}));
    const auto reader = read_hits(ByteSource(Fd(::dup(pipe.out.get())), "pipe"));
    ASSERT_TRUE(reader) << reader.error().message;
    Hit hit;
    EXPECT_TRUE((*reader)->next(hit).value());
    EXPECT_EQ(hit, vegeta_hit());
  }
}

TEST(ResultStream, StopsToWaitWhenToldAndGoesOn) {
  for (const Encoding encoding : kAll) {
    const std::string bytes = written(encoding, {vegeta_hit()});
    const Pipe pipe;
    const Fd stop(::eventfd(1, EFD_CLOEXEC));
    pipe.put(bytes.substr(0, 1));
    const auto reader = read_hits(ByteSource(Fd(::dup(pipe.out.get())), "pipe", stop.get()));
    ASSERT_TRUE(reader) << reader.error().message;
    Hit hit;
    EXPECT_FALSE((*reader)->next(hit).value());

    std::uint64_t told = 0;
    ASSERT_EQ(::read(stop.get(), &told, sizeof(told)), 8);
    pipe.put(bytes.substr(1));
    EXPECT_TRUE((*reader)->next(hit).value());
    EXPECT_EQ(hit, vegeta_hit());

    told = 1;
    ASSERT_EQ(::write(stop.get(), &told, sizeof(told)), 8);
    EXPECT_FALSE((*reader)->next(hit).value());
  }
}

}  // namespace
}  // namespace forebay::load
