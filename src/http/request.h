#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "http/field.h"

namespace forebay::http {

/// What becomes of a field whose name has an underscore: `X_Foo` and `X-Foo` are one key in
/// environ, so a client could overwrite what a proxy has set.
enum class UnderscoreNames : uint8_t { kDrop, kRefuse, kPass };

/// Bounds of a request. All sizes are bytes, of lines without their CRLF.
struct RequestLimits {
  size_t request_line_bytes = 4094;  // 0 means 1 MiB; beyond: 414
  size_t fields = 100;               // beyond: 431
  size_t field_bytes = 8190;         // one field line; beyond: 431
  size_t head_bytes = 64 * 1024;     // all field lines together; beyond: 431
  size_t chunk_line_bytes = 1024;    // a chunk's size and its extensions; beyond: 400
  size_t trailer_bytes = 8 * 1024;   // the trailer section; beyond: 431
  uint64_t body_bytes = 1ULL << 30;  // decoded; beyond: 413
  UnderscoreNames underscore_names = UnderscoreNames::kDrop;
  std::span<const std::string> underscore_exceptions;  // that pass all the same; "*": every name
};

enum class BodyFraming : uint8_t { kNone, kLength, kChunked };

/// A request as the application may see it. Views into the parser's own text, valid until its next
/// reset().
struct RequestHead {
  std::string_view method;          // any token, case kept
  std::string_view target;          // raw, as received
  std::string_view path_and_query;  // "/a?b"; "*" for `OPTIONS *`
  std::string_view
      host;  // the authority of an absolute-form target, else Host; may be empty in 1.0
  int minor_version = 1;  // HTTP/1.0 or HTTP/1.1
  // In order, with repeats. Without: connection-level fields, those that Connection names, and
  // names with '_'. Host says the same as `host`; Content-Length is there only for
  // BodyFraming::kLength.
  std::span<const Field> fields;
  bool keep_alive = true;        // what the client wants of the connection after this request
  bool expect_continue = false;  // waits for a 100 before it sends the body
  BodyFraming framing = BodyFraming::kNone;
  uint64_t content_length = 0;  // for kLength
  // The protocols asked for, if Connection says so too (1.1 only). The bytes after this request are
  // the next request all the same, unless the caller answers 101.
  std::string_view upgrade;
};

/// Why a request is refused: the status to answer with, and a static text fit for a log line.
struct ParseError {
  int status = 0;
  std::string_view reason;
};

}  // namespace forebay::http
