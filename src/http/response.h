#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/field.h"

namespace forebay::http {

/// What of a request decides how its response is framed.
struct RequestFacts {
  bool is_head = false;
  int minor_version = 1;
  bool keep_alive = true;  // what the client wants, and the server grants
};

/// How a response is put on the wire. Never both a length and chunks.
struct ResponseFraming {
  bool body_allowed = true;                // false: bytes the application gives are not sent
  std::optional<uint64_t> content_length;  // the field to send
  bool chunked = false;
  bool keep_alive = true;
};

/// RFC 9112 section 6, RFC 9110 section 8.6, PEP 3333 "Handling the Content-Length Header".
/// `content_length`: from the application, if it gave one. `known_bytes`: the size of the whole
/// body, if it is known.
ResponseFraming decide_framing(const RequestFacts& request, int status,
                               std::optional<uint64_t> content_length,
                               std::optional<uint64_t> known_bytes);

/// Writes one response head to the end of a buffer, field by field:
///
///   HeadWriter head(out, 200, "OK");
///   for (...) head.field(name, value);
///   head.finish(decide_framing(request, 200, head.content_length(), known_bytes), request, date);
///
/// If field() says kInvalid, nothing of the head may be sent: cancel() takes it back from the
/// buffer.
class HeadWriter {
 public:
  enum class Fate : uint8_t {
    kTaken,
    kDropped,  // connection-level: framing and connection are the server's business
    kInvalid   // bad name or value, or a Content-Length that is no number or comes twice
  };

  /// `reason` must be valid_reason() and `status` valid_status(). Empty reason: the standard one.
  HeadWriter(std::string& out, int status, std::string_view reason);

  Fate field(std::string_view name, std::string_view value);

  /// What the application has said so far.
  std::optional<uint64_t> content_length() const { return content_length_; }

  /// Adds the framing, Connection, Date and Server, and the empty line. `date`: http_date(). An
  /// interim head (1xx) gets only the empty line.
  void finish(const ResponseFraming& framing, const RequestFacts& request, std::string_view date);

  void cancel() { out_.resize(start_); }

 private:
  void write(std::string_view name, std::string_view value);

  std::string& out_;
  size_t start_;
  int status_;
  bool has_date_ = false;
  bool has_server_ = false;
  std::optional<uint64_t> content_length_;
};

/// Three digits.
constexpr bool valid_status(int status) { return status >= 100 && status <= 999; }

/// No control bytes but tab.
bool valid_reason(std::string_view reason);

/// The name is a token, the value has no control bytes but tab.
bool valid_field(std::string_view name, std::string_view value);

/// The usual words; "Unknown" for a status without.
std::string_view status_reason(int status);

/// The line before a chunk of `size` > 0 bytes. kChunkEnd follows the chunk, kLastChunk ends the
/// body.
class ChunkHead {
 public:
  explicit ChunkHead(uint64_t size);
  std::string_view text() const { return {buffer_.data(), size_}; }

 private:
  std::array<char, 18> buffer_;  // 16 digits and CRLF
  uint8_t size_;
};

inline constexpr std::string_view kChunkEnd = "\r\n";
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

/// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7). Cheap, but the same for a second: keep
/// it.
using HttpDate = std::array<char, 29>;
HttpDate http_date(int64_t seconds_since_epoch);

}  // namespace forebay::http
