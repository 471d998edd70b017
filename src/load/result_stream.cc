#include "load/result_stream.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "load/hit_decoder.h"

namespace forebay::load {
namespace {

constexpr std::array<std::pair<std::string_view, Encoding>, 4> kEncodings{
    {{"binary", Encoding::kBinary},
     {"json", Encoding::kJson},
     {"csv", Encoding::kCsv},
     {"gob", Encoding::kGob}}};

constexpr std::string_view kBlank = " \t\r\n";

/// Gob begins with a size and the number of a type, -64 or less. Both are 0x7f or begin with a byte
/// from 0xf8 on if they are large, and no text has one of those at its start.
bool maybe_gob(std::string_view bytes) {
  return std::ranges::any_of(bytes.substr(0, 2), [](char c) {
    const auto byte = static_cast<std::uint8_t>(c);
    return byte == 0x7f || byte >= 0xf8;
  });
}

/// By the look of its first bytes; a wrong guess fails at the first record.
std::unique_ptr<HitDecoder> guess(std::string_view bytes) {
  if (bytes.starts_with(kBinaryFirst)) {
    return binary_decoder();
  }
  if (maybe_gob(bytes)) {
    return gob_decoder();
  }
  const std::size_t text = bytes.find_first_not_of(kBlank);
  return bytes.substr(text).starts_with('{') ? json_decoder() : csv_decoder();
}

/// The source, and the decoder that its first record asks for.
class Reader final : public HitReader {
 public:
  explicit Reader(ByteSource source) : source_(std::move(source)) {}

  /// Chooses the decoder; none if `stop` was readable before the first record was there.
  Result<void> detect() {
    while (source_.rest().size() < 2 ||
           source_.rest().find_first_not_of(kBlank) == std::string_view::npos) {
      const Result<bool> more = source_.more();
      if (!more) {
        return std::unexpected(more.error());
      }
      if (!*more) {
        return source_.ended() ? undetected() : Result<void>{};
      }
    }
    if (!source_.rest().starts_with(kBinaryFirst)) {
      Hit hit;
      const Result<bool> first = guess(source_.rest())->next(source_, hit);
      source_.rewind();
      if (!first.value_or(false)) {
        return first && !source_.ended() ? Result<void>{} : undetected();
      }
    }
    decoder_ = guess(source_.rest());
    source_.forget();
    return {};
  }

  Result<bool> next(Hit& hit) override {
    if (!decoder_) {
      const Result<void> detected = detect();
      if (!detected) {
        return std::unexpected(detected.error());
      }
    }
    if (!decoder_) {
      return false;
    }
    Result<bool> found = decoder_->next(source_, hit);
    if (!found) {
      return fail(format("{}: {}", source_.name(), found.error().message));
    }
    return found;
  }

  [[nodiscard]] const Run* run() const override { return decoder_ ? decoder_->run() : nullptr; }

 private:
  [[nodiscard]] Result<void> undetected() const {
    return fail(format("can't detect encoding of \"{}\"", source_.name()));
  }

  ByteSource source_;
  std::unique_ptr<HitDecoder> decoder_;
};

}  // namespace

Result<Encoding> parse_encoding(std::string_view word) {
  for (const auto& [name, encoding] : kEncodings) {
    if (name == word) {
      return encoding;
    }
  }
  return fail(format("unknown encoding \"{}\": use binary, json, csv or gob", word));
}

std::unique_ptr<HitWriter> HitWriter::make(Encoding encoding) {
  switch (encoding) {
    case Encoding::kBinary:
      return binary_writer();
    case Encoding::kJson:
      return json_writer();
    case Encoding::kCsv:
      return csv_writer();
    case Encoding::kGob:
      return gob_writer();
  }
  std::unreachable();
}

Result<std::unique_ptr<HitReader>> HitReader::open(const std::string& path, int stop) {
  Result<ByteSource> source = ByteSource::open(path, stop);
  if (!source) {
    return std::unexpected(source.error());
  }
  return read_hits(std::move(*source));
}

Result<std::unique_ptr<HitReader>> read_hits(ByteSource source) {
  auto reader = std::make_unique<Reader>(std::move(source));
  const Result<void> detected = reader->detect();
  if (!detected) {
    return std::unexpected(detected.error());
  }
  return reader;
}

}  // namespace forebay::load
