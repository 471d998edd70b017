#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <llhttp.h>

#include "base/check.h"
#include "http/request_parser.h"
#include "http/response.h"

/// For tests and the fuzz target: any bytes as the body of a request, read by RequestParser in
/// several ways and by llhttp alone.
namespace forebay::http {

/// What a reader made of the bytes after a head.
struct BodyReading {
  enum class End : uint8_t { kUnfinished, kComplete, kRefused };

  std::string body;
  End end = End::kUnfinished;
  size_t bytes = 0;  // up to the end of the body, if it is complete

  bool operator==(const BodyReading&) const = default;
};

/// Sizes of 1 to 32 that look random, the same ones for the same seed.
class PieceSizes {
 public:
  explicit PieceSizes(uint32_t seed) : random_(seed) {}
  size_t next() {
    random_ = random_ * 1664525 + 1013904223;
    return 1 + (random_ >> 16) % 32;
  }

 private:
  uint32_t random_;
};

/// Reads in pieces of the sizes that `next_size()` gives, each from memory of its own.
template <typename NextSize>
BodyReading read_body(const RequestLimits& limits, std::string_view head, std::string_view bytes,
                      NextSize next_size) {
  using Event = RequestParser::Event;
  RequestParser parser(limits);
  Event event = parser.next(head);
  CHECK(event == Event::kHead && head.empty());
  BodyReading reading;
  for (bool is_first = true; is_first || !bytes.empty(); is_first = false) {
    const size_t size = std::min<size_t>(next_size(), bytes.size());
    const auto copy = std::make_unique<char[]>(size);
    std::ranges::copy(bytes.substr(0, size), copy.get());
    std::string_view piece(copy.get(), size);
    while ((event = parser.next(piece)) == Event::kBody)
      reading.body.append(parser.body());
    CHECK(reading.body.size() <= limits.body_bytes);
    reading.bytes += size - piece.size();
    if (event != Event::kNeedMore) break;
    CHECK(piece.empty());
    bytes.remove_prefix(size);
  }
  if (event == Event::kError) reading.end = BodyReading::End::kRefused;
  if (event == Event::kComplete) reading.end = BodyReading::End::kComplete;
  if (event != Event::kComplete) reading.bytes = 0;
  return reading;
}

inline BodyReading read_body_with_llhttp(std::string_view head, std::string_view bytes) {
  BodyReading reading;
  llhttp_settings_t settings;
  llhttp_settings_init(&settings);
  settings.on_body = [](llhttp_t* parser, const char* at, size_t size) {
    static_cast<BodyReading*>(parser->data)->body.append(at, size);
    return static_cast<int>(HPE_OK);
  };
  settings.on_message_complete = [](llhttp_t*) { return static_cast<int>(HPE_PAUSED); };
  llhttp_t parser;
  llhttp_init(&parser, HTTP_REQUEST, &settings);
  parser.data = &reading;
  const std::string message = std::string(head).append(bytes);
  const llhttp_errno_t result = llhttp_execute(&parser, message.data(), message.size());
  if (result == HPE_OK) return reading;
  reading.end = BodyReading::End::kRefused;
  if (result != HPE_PAUSED) return reading;
  reading.end = BodyReading::End::kComplete;
  reading.bytes = static_cast<size_t>(llhttp_get_error_pos(&parser) - message.data()) - head.size();
  return reading;
}

/// The same however it is cut, and where llhttp comes to an end as well, the same end. Either may
/// refuse what the other takes: we are stricter on line ends, it is stricter on extensions.
inline BodyReading check_any_body(const RequestLimits& limits, std::string_view head,
                                  std::string_view bytes, PieceSizes sizes) {
  using End = BodyReading::End;
  const BodyReading reading = read_body(limits, head, bytes, [&] { return bytes.size(); });
  CHECK(read_body(limits, head, bytes, [] { return 1; }) == reading);
  CHECK(read_body(limits, head, bytes, [&] { return sizes.next(); }) == reading);
  const BodyReading second = read_body_with_llhttp(head, bytes);
  const bool is_read_twice = reading.end != End::kRefused && second.end != End::kRefused;
  CHECK(!is_read_twice || second == reading);
  return reading;
}

/// `body` in chunks, well formed, comes out as it was, and what follows is left alone.
inline void check_chunked_body(const RequestLimits& limits, std::string_view head,
                               std::string_view body, PieceSizes sizes) {
  std::string bytes;
  for (std::string_view rest = body; !rest.empty();) {
    const std::string_view chunk = rest.substr(0, sizes.next());
    bytes.append(ChunkHead(chunk.size()).text()).append(chunk).append(kChunkEnd);
    rest.remove_prefix(chunk.size());
  }
  bytes.append(kLastChunk);
  const size_t size = bytes.size();
  bytes.append("GET / HTTP/1.1\r\n");
  const BodyReading reading = check_any_body(limits, head, bytes, sizes);
  CHECK(reading.end == BodyReading::End::kComplete);
  CHECK(reading.body == body && reading.bytes == size);
}

/// The first byte of `input` chooses the pieces, the second the framing: 0 is chunked, else a
/// length. The rest is the body, once as it is, and once put in chunks.
inline BodyReading check_body_framing(std::string_view input) {
  static constexpr std::string_view kChunked =
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  static constexpr RequestLimits kLimits;
  static constexpr RequestLimits kSmallLimits = [] {  // so that the fuzzer finds them
    RequestLimits limits;
    limits.fields = 4;
    limits.field_bytes = 40;
    limits.chunk_line_bytes = 24;
    limits.trailer_bytes = 80;
    limits.body_bytes = 300;
    return limits;
  }();
  if (input.size() < 2) return {};
  const PieceSizes sizes(static_cast<uint8_t>(input[0]));
  const auto length = static_cast<uint8_t>(input[1]);
  input.remove_prefix(2);
  check_chunked_body(kLimits, kChunked, input, sizes);
  if (length == 0) return check_any_body(kSmallLimits, kChunked, input, sizes);
  const std::string head =
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n";
  return check_any_body(kSmallLimits, head, input, sizes);
}

}  // namespace forebay::http
