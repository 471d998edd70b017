#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/line_block.h"
#include "http/request.h"
#include "http/request_line.h"

namespace forebay::http {

/// Reads the requests of one connection, one after the other (RFC 9112). One thread at a time; no
/// I/O.
///
///   next(): kNeedMore* kHead (kNeedMore | kBody)* kComplete, then reset(); or kError at any point,
///   for good.
///
/// Invariants: what is consumed never reaches beyond the current request. The events do not depend
/// on how the input was cut into pieces, but for the cuts between kBody pieces. A head is seen only
/// if every rule held for all of it.
class RequestParser {
 public:
  enum class Event : uint8_t { kNeedMore, kHead, kBody, kComplete, kError };

  /// `limits` must outlive the parser.
  explicit RequestParser(const RequestLimits& limits) : limits_(&limits) {}

  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  /// Other limits from here on; only before the first byte of a request.
  void set_limits(const RequestLimits& limits) { limits_ = &limits; }

  /// Consumes a prefix of `input`; to be called again until it returns kNeedMore. After kComplete
  /// the rest of `input` belongs to the next request.
  Event next(std::string_view& input);

  const RequestHead& head() const { return head_; }  // from kHead on
  /// For who adds fields to those that the application sees, or takes some away, from kHead on:
  /// `change(std::vector<Field>&)`. The text of new ones must live until reset().
  template <typename Change>
  void change_fields(Change&& change) {
    change(fields_);
    head_.fields = fields_;
  }
  std::string_view body() const { return body_; }  // after kBody: a part of the input just consumed
  const ParseError& error() const { return error_; }  // after kError

  /// A byte of this request was seen; the empty lines that may come before it do not count.
  bool started() const { return started_; }

  /// Makes ready for the next request of the connection and keeps little memory. Views of the head
  /// die here.
  void reset();

 private:
  enum class State : uint8_t {
    kRequestLine,
    kFields,
    kLengthBody,
    kChunkSize,
    kChunkData,
    kChunkEnd,
    kTrailers,
    kComplete,
    kError
  };

  // A step of the state machine: an event for the caller, or nothing if the next step can follow at
  // once.
  using Step = std::optional<Event>;

  Step step(std::string_view& input);
  Step read_request_line(std::string_view& input);
  Step read_fields(std::string_view& input);
  Step finish_head();
  Step read_length_body(std::string_view& input);
  Step read_chunk_size(std::string_view& input);
  Step read_chunk_data(std::string_view& input);
  Step read_chunk_end(std::string_view& input);
  Step read_trailers(std::string_view& input);
  Step finish_trailers();

  Step read_section(std::string_view& input, LineBlock& section, size_t section_bytes);
  Event take_body(std::string_view& input);
  Event complete();
  Event fail(int status, std::string_view reason);

  const RequestLimits* limits_;
  State state_ = State::kRequestLine;
  bool started_ = false;
  uint8_t empty_lines_ = 0;
  uint64_t body_left_ = 0;    // of the body, or of the current chunk
  uint64_t body_seen_ = 0;    // all chunks so far, the current one included
  size_t section_lines_ = 0;  // of the field or trailer section
  LineBlock request_line_;
  LineBlock field_section_;
  LineBlock body_lines_;  // the line before a chunk and the one after it, then the trailer section
  RequestLine start_;     // views into request_line_
  Target target_;         // views into request_line_
  std::string path_and_query_;  // of an absolute-form target with a query but no path
  std::vector<Field> fields_;   // views into field_section_
  RequestHead head_;
  std::string_view body_;
  ParseError error_;
};

}  // namespace forebay::http
