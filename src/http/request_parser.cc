#include "http/request_parser.h"

#include <algorithm>

#include "base/check.h"
#include "http/field_rules.h"
#include "http/field_section.h"
#include "http/text.h"

namespace forebay::http {
namespace {

// Before a request line: some old clients end a body with a CRLF that does not belong to it (RFC
// 9112 section 2.2).
constexpr uint8_t kEmptyLinesMax = 4;

constexpr size_t kRequestLineUnlimited = 1 << 20;

// What a connection keeps between two requests: enough for most heads, so that a busy one does not
// allocate.
constexpr size_t kKeptRequestLineBytes = 256;
constexpr size_t kKeptFieldSectionBytes = 1024;
constexpr size_t kKeptFields = 24;

// A Host of our own, and room for change_fields().
constexpr size_t kAddedFields = 4;

}  // namespace

RequestParser::Event RequestParser::next(std::string_view& input) {
  while (true) {
    if (const Step event = step(input)) return *event;
  }
}

RequestParser::Step RequestParser::step(std::string_view& input) {
  switch (state_) {
    case State::kRequestLine:
      return read_request_line(input);
    case State::kFields:
      return read_fields(input);
    case State::kLengthBody:
      return read_length_body(input);
    case State::kChunkSize:
      return read_chunk_size(input);
    case State::kChunkData:
      return read_chunk_data(input);
    case State::kChunkEnd:
      return read_chunk_end(input);
    case State::kTrailers:
      return read_trailers(input);
    case State::kComplete:
      return Event::kComplete;
    case State::kError:
      return Event::kError;
  }
  CHECK(false);
}

RequestParser::Step RequestParser::read_request_line(std::string_view& input) {
  const size_t limit =
      limits_->request_line_bytes == 0 ? kRequestLineUnlimited : limits_->request_line_bytes;
  switch (request_line_.take_line(input, limit)) {
    case LineBlock::Event::kNeedMore:
      started_ = request_line_.in_line() && !request_line_.text().starts_with('\r');
      return Event::kNeedMore;
    case LineBlock::Event::kTooLong:
      return fail(414, "request line too long");
    case LineBlock::Event::kBad:
      return fail(400, "control byte in the request line, or a line end that is not CRLF");
    case LineBlock::Event::kLine:
      break;
  }
  if (request_line_.line().empty()) {
    request_line_.clear();
    if (++empty_lines_ > kEmptyLinesMax) return fail(400, "too many empty lines before a request");
    return std::nullopt;
  }
  started_ = true;
  const auto start = http::read_request_line(request_line_.line());
  if (!start) return fail(start.error().status, start.error().reason);
  const auto target = read_target(start->method, start->target);
  if (!target) return fail(target.error().status, target.error().reason);
  start_ = *start;
  target_ = *target;
  field_section_.reserve(std::min(input.size(), kKeptFieldSectionBytes));
  state_ = State::kFields;
  return std::nullopt;
}

// Nothing once the section has ended, else an event.
RequestParser::Step RequestParser::read_section(std::string_view& input, LineBlock& section,
                                                size_t section_bytes) {
  while (true) {
    const size_t bytes_left = section_bytes - std::min(section_bytes, section.ended_bytes());
    switch (section.take_line(input, std::min(limits_->field_bytes, bytes_left))) {
      case LineBlock::Event::kNeedMore:
        return Event::kNeedMore;
      case LineBlock::Event::kTooLong:
        return fail(431, "field line too long, or too many of them");
      case LineBlock::Event::kBad:
        return fail(400, "control byte in a field line, or a line end that is not CRLF");
      case LineBlock::Event::kLine:
        break;
    }
    const std::string_view line = section.line();
    if (line.empty()) return std::nullopt;
    if (line.front() == ' ' || line.front() == '\t') return fail(400, "folded field line");
    if (++section_lines_ > limits_->fields) return fail(431, "too many fields");
  }
}

RequestParser::Step RequestParser::read_fields(std::string_view& input) {
  if (const Step event = read_section(input, field_section_, limits_->head_bytes)) return event;
  return finish_head();
}

RequestParser::Step RequestParser::finish_head() {
  fields_.reserve(section_lines_ + kAddedFields);
  const auto framing = read_field_section(field_section_.text(), fields_);
  if (!framing) return fail(framing.error().status, framing.error().reason);
  head_.method = start_.method;
  head_.target = start_.target;
  head_.path_and_query = target_.path_and_query;
  if (target_.path_missing) {
    path_and_query_.assign("/").append(target_.path_and_query);
    head_.path_and_query = path_and_query_;
  }
  head_.host = target_.authority;
  head_.minor_version = start_.minor_version;
  const auto verdict = apply_field_rules(*limits_, *framing, fields_, head_);
  if (!verdict) return fail(verdict.error().status, verdict.error().reason);
  body_left_ = head_.content_length;
  state_ = head_.framing == BodyFraming::kChunked ? State::kChunkSize : State::kLengthBody;
  return Event::kHead;
}

RequestParser::Step RequestParser::read_length_body(std::string_view& input) {
  if (body_left_ == 0) return complete();
  return take_body(input);
}

RequestParser::Step RequestParser::read_chunk_size(std::string_view& input) {
  switch (body_lines_.take_line(input, limits_->chunk_line_bytes)) {
    case LineBlock::Event::kNeedMore:
      return Event::kNeedMore;
    case LineBlock::Event::kTooLong:
      return fail(400, "chunk size line too long");
    case LineBlock::Event::kBad:
      return fail(400, "control byte in a chunk size line, or a line end that is not CRLF");
    case LineBlock::Event::kLine:
      break;
  }
  const std::string_view line = body_lines_.line();
  const std::string_view digits = line.substr(0, line.find(';'));  // then extensions: ignored
  const std::optional<uint64_t> size = parse_number(digits, 16);
  if (!size) return fail(400, "invalid chunk size");
  if (*size > limits_->body_bytes - body_seen_) return fail(413, "body too large");
  body_lines_.clear();
  body_seen_ += *size;
  body_left_ = *size;
  section_lines_ = 0;
  state_ = *size == 0 ? State::kTrailers : State::kChunkData;
  return std::nullopt;
}

RequestParser::Step RequestParser::read_chunk_data(std::string_view& input) {
  if (body_left_ > 0) return take_body(input);
  state_ = State::kChunkEnd;
  return std::nullopt;
}

RequestParser::Step RequestParser::read_chunk_end(std::string_view& input) {
  const LineBlock::Event event = body_lines_.take_line(input, 0);
  if (event == LineBlock::Event::kNeedMore) return Event::kNeedMore;
  if (event != LineBlock::Event::kLine) return fail(400, "chunk data not followed by CRLF");
  body_lines_.clear();
  state_ = State::kChunkSize;
  return std::nullopt;
}

RequestParser::Step RequestParser::read_trailers(std::string_view& input) {
  if (const Step event = read_section(input, body_lines_, limits_->trailer_bytes)) return event;
  return finish_trailers();
}

// Trailers are checked, then dropped: nobody downstream has asked for them.
RequestParser::Step RequestParser::finish_trailers() {
  std::vector<Field> trailers;
  const auto framing = read_field_section(body_lines_.text(), trailers);
  if (!framing) return fail(framing.error().status, framing.error().reason);
  const auto is_refused = [](const Field& field) { return !is_allowed_in_trailers(field.name); };
  if (std::ranges::any_of(trailers, is_refused)) return fail(400, "field not allowed in trailers");
  return complete();
}

RequestParser::Event RequestParser::take_body(std::string_view& input) {
  if (input.empty()) return Event::kNeedMore;
  body_ = input.substr(0, std::min<uint64_t>(body_left_, input.size()));
  input.remove_prefix(body_.size());
  body_left_ -= body_.size();
  return Event::kBody;
}

RequestParser::Event RequestParser::complete() {
  state_ = State::kComplete;
  return Event::kComplete;
}

RequestParser::Event RequestParser::fail(int status, std::string_view reason) {
  started_ = true;
  state_ = State::kError;
  error_ = {.status = status, .reason = reason};
  return Event::kError;
}

void RequestParser::reset() {
  CHECK(state_ != State::kError);
  state_ = State::kRequestLine;
  started_ = false;
  empty_lines_ = 0;
  body_left_ = body_seen_ = 0;
  section_lines_ = 0;
  request_line_.shrink(kKeptRequestLineBytes);
  field_section_.shrink(kKeptFieldSectionBytes);
  body_lines_.shrink(0);
  path_and_query_.clear();
  path_and_query_.shrink_to_fit();
  fields_.clear();
  if (fields_.capacity() > kKeptFields) fields_.shrink_to_fit();
  head_ = {};
  body_ = {};
}

}  // namespace forebay::http
