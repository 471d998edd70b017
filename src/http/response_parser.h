#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "http/field.h"

struct llhttp__internal_s;  // llhttp_t

namespace forebay::http {

/// Bounds of an answer, in bytes.
struct ResponseLimits {
  size_t head_bytes = 1 << 20;     // the head with all interim ones (1xx) before it
  size_t trailer_bytes = 1 << 16;  // names and values of the trailer section
};

/// The head of an answer. Views into the parser's own text, valid until its next reset().
struct ResponseHead {
  int status = 0;
  std::string_view reason;  // may be empty
  int minor_version = 1;    // HTTP/1.0 or HTTP/1.1
  std::span<const Field> fields;
};

/// Reads the answers of one connection, one after the other, by llhttp (RFC 9112). One thread at a
/// time; no I/O.
///
///   next(): kNeedMore* kHead (kNeedMore | kBody)* kComplete, then reset(); or kError at any point,
///   for good.
///
/// Interim answers (1xx) are skipped, but for 101, which has no body and is the last answer.
/// Trailers are skipped. What is consumed never reaches beyond the current answer.
class ResponseParser {
 public:
  enum class Event : uint8_t { kNeedMore, kHead, kBody, kComplete, kError };

  /// `limits` must outlive the parser.
  explicit ResponseParser(const ResponseLimits& limits);
  ~ResponseParser();

  ResponseParser(const ResponseParser&) = delete;
  ResponseParser& operator=(const ResponseParser&) = delete;

  /// The answer ends with its head whatever that says: it is one to HEAD, or a 2xx to CONNECT. To
  /// be said before its first byte.
  void expect_no_body() { bodyless_ = true; }

  /// Consumes a prefix of `input`; to be called again until it returns kNeedMore. What is left
  /// after kComplete was not asked for, or answers the next request of a pipeline.
  Event next(std::string_view& input);

  /// The peer sends no more: kComplete if that is how the body ends, else kError.
  Event finish();

  const ResponseHead& head() const { return head_; }  // from kHead on
  std::string_view body() const { return body_; }     // after kBody: a part of the input
  std::string_view error() const { return error_; }   // after kError: a static text
  bool started() const { return head_bytes_ != 0; }   // a byte of this answer was seen
  bool keep_alive() const { return keep_alive_; }     // after kComplete: the connection may go on

  /// Makes ready for the next answer of the connection. Views of the head die here.
  void reset();

 private:
  struct Callbacks;
  friend struct Callbacks;
  enum class Stage : uint8_t { kHead, kBody, kComplete, kError };
  /// Where a field lies in text_: from the end of the one before it.
  struct Place {
    size_t name_end;
    size_t value_end;
  };

  enum class Halt : uint8_t { kInputUsed, kEvent, kError };
  Halt execute(std::string_view& input, size_t most);
  Event next_in_head(std::string_view& input);
  Event next_in_body(std::string_view& input);
  Event finish_head();
  int skip_trailer(size_t size);
  void begin_message();
  Event fail(std::string_view reason);
  Event fail_as_llhttp_says();

  const ResponseLimits& limits_;
  std::unique_ptr<llhttp__internal_s> llhttp_;
  Stage stage_ = Stage::kHead;
  bool bodyless_ = false;
  bool keep_alive_ = false;
  bool ended_ = false;    // llhttp has seen the end
  bool in_name_ = false;  // of the last of places_
  size_t head_bytes_ = 0;
  size_t trailer_bytes_ = 0;
  std::string text_;  // the reason, then names and values
  size_t reason_end_ = 0;
  std::vector<Place> places_;
  std::vector<Field> fields_;  // views into text_
  ResponseHead head_;
  std::string_view body_;
  std::string_view error_;
};

}  // namespace forebay::http
