#include "http/response_parser.h"

#include <llhttp.h>

#include "base/check.h"
#include "http/text.h"

namespace forebay::http {
namespace {

constexpr int kSwitchingProtocols = 101;

constexpr bool is_interim(int status) {
  return status >= 100 && status < 200 && status != kSwitchingProtocols;
}

/// RFC 9110 section 6.4.1: these have no content, whatever their fields say.
constexpr bool ends_with_head(int status) { return status < 200 || status == 204 || status == 304; }

}  // namespace

struct ResponseParser::Callbacks {
  static ResponseParser& self(llhttp_t* parser) {
    return *static_cast<ResponseParser*>(parser->data);
  }

  static int on_status(llhttp_t* parser, const char* at, size_t size) {
    ResponseParser& it = self(parser);
    it.text_.append(at, size);
    it.reason_end_ = it.text_.size();
    return HPE_OK;
  }

  // A name or a value may come in several pieces.
  static int on_name(llhttp_t* parser, const char* at, size_t size) {
    ResponseParser& it = self(parser);
    if (it.stage_ == Stage::kBody) return it.skip_trailer(size);
    if (!it.in_name_) it.places_.emplace_back();
    it.in_name_ = true;
    it.text_.append(at, size);
    it.places_.back() = {.name_end = it.text_.size(), .value_end = it.text_.size()};
    return HPE_OK;
  }

  static int on_value(llhttp_t* parser, const char* at, size_t size) {
    ResponseParser& it = self(parser);
    if (it.stage_ == Stage::kBody) return it.skip_trailer(size);
    it.in_name_ = false;
    it.text_.append(at, size);
    it.places_.back().value_end = it.text_.size();
    return HPE_OK;
  }

  static int on_name_end(llhttp_t* parser) {
    self(parser).in_name_ = false;
    return HPE_OK;
  }

  static int on_head_end(llhttp_t* parser) {
    ResponseParser& it = self(parser);
    if (it.bodyless_ || ends_with_head(parser->status_code)) parser->flags |= F_SKIPBODY;
    parser->upgrade = 0;  // to whom a 101 is given, takes the bytes after it
    return HPE_PAUSED;
  }

  static int on_body(llhttp_t* parser, const char* at, size_t size) {
    if (size == 0) return HPE_OK;
    self(parser).body_ = {at, size};
    return HPE_PAUSED;
  }

  static int on_end(llhttp_t* parser) {
    ResponseParser& it = self(parser);
    it.keep_alive_ =
        llhttp_should_keep_alive(parser) != 0 && parser->status_code != kSwitchingProtocols;
    it.ended_ = true;
    return HPE_PAUSED;
  }

  static const llhttp_settings_t* settings() {
    static const llhttp_settings_t shared = [] {
      llhttp_settings_t settings;
      llhttp_settings_init(&settings);
      settings.on_status = on_status;
      settings.on_header_field = on_name;
      settings.on_header_field_complete = on_name_end;
      settings.on_header_value = on_value;
      settings.on_headers_complete = on_head_end;
      settings.on_body = on_body;
      settings.on_message_complete = on_end;
      return settings;
    }();
    return &shared;
  }
};

ResponseParser::ResponseParser(const ResponseLimits& limits)
    : limits_(limits), llhttp_(std::make_unique<llhttp_t>()) {
  llhttp_init(llhttp_.get(), HTTP_RESPONSE, Callbacks::settings());
  llhttp_->data = this;
}

ResponseParser::~ResponseParser() = default;

ResponseParser::Event ResponseParser::next(std::string_view& input) {
  switch (stage_) {
    case Stage::kHead:
      return next_in_head(input);
    case Stage::kBody:
      return next_in_body(input);
    case Stage::kComplete:
      return Event::kComplete;
    case Stage::kError:
      return Event::kError;
  }
  CHECK(false);
}

/// Feeds llhttp, which stops behind whatever is an event of ours.
ResponseParser::Halt ResponseParser::execute(std::string_view& input, size_t most) {
  const std::string_view piece = input.substr(0, most);
  llhttp_resume(llhttp_.get());
  const llhttp_errno_t result = llhttp_execute(llhttp_.get(), piece.data(), piece.size());
  const char* const stop = result == HPE_OK ? piece.end() : llhttp_get_error_pos(llhttp_.get());
  input.remove_prefix(static_cast<size_t>(stop - input.data()));
  if (result == HPE_OK) return Halt::kInputUsed;
  return result == HPE_PAUSED ? Halt::kEvent : Halt::kError;
}

ResponseParser::Event ResponseParser::next_in_head(std::string_view& input) {
  while (!input.empty()) {
    if (head_bytes_ == limits_.head_bytes) return fail("the head of the answer is too large");
    const size_t before = input.size();
    const Halt halt = execute(input, limits_.head_bytes - head_bytes_);
    head_bytes_ += before - input.size();
    if (halt == Halt::kInputUsed) continue;
    if (halt == Halt::kError) return fail_as_llhttp_says();
    if (!is_interim(llhttp_->status_code)) return finish_head();
    begin_message();
  }
  return Event::kNeedMore;
}

ResponseParser::Event ResponseParser::finish_head() {
  const std::string_view text = text_;
  head_.status = llhttp_->status_code;
  head_.reason = text.substr(0, reason_end_);
  head_.minor_version = llhttp_->http_minor;
  if (head_.status < 100) return fail("a status below 100");
  if (llhttp_->http_major != 1) return fail("an HTTP version other than 1.0 and 1.1");
  if (!is_text(head_.reason)) return fail("control byte in the reason");
  size_t start = reason_end_;
  for (const Place& place : places_) {
    if (place.name_end == start) return fail("empty field name");
    fields_.push_back(
        {.name = text.substr(start, place.name_end - start),
         .value = trim(text.substr(place.name_end, place.value_end - place.name_end))});
    start = place.value_end;
  }
  head_.fields = fields_;
  stage_ = Stage::kBody;
  return Event::kHead;
}

ResponseParser::Event ResponseParser::next_in_body(std::string_view& input) {
  body_ = {};
  const Halt halt = execute(input, input.size());
  if (halt == Halt::kInputUsed) return Event::kNeedMore;
  if (halt == Halt::kError) return fail_as_llhttp_says();
  if (!ended_) return Event::kBody;
  stage_ = Stage::kComplete;
  return Event::kComplete;
}

int ResponseParser::skip_trailer(size_t size) {
  trailer_bytes_ += size;
  if (trailer_bytes_ <= limits_.trailer_bytes) return HPE_OK;
  llhttp_set_error_reason(llhttp_.get(), "the trailer section of the answer is too large");
  return HPE_USER;
}

ResponseParser::Event ResponseParser::finish() {
  if (stage_ == Stage::kComplete || stage_ == Stage::kError) {
    return stage_ == Stage::kComplete ? Event::kComplete : Event::kError;
  }
  if (!started()) return fail("closed before an answer");
  llhttp_resume(llhttp_.get());
  llhttp_finish(llhttp_.get());
  if (!ended_) return fail("closed before the answer was complete");
  stage_ = Stage::kComplete;
  return Event::kComplete;
}

ResponseParser::Event ResponseParser::fail_as_llhttp_says() {
  const char* reason = llhttp_get_error_reason(llhttp_.get());
  return fail(reason != nullptr ? reason : "malformed answer");
}

ResponseParser::Event ResponseParser::fail(std::string_view reason) {
  stage_ = Stage::kError;
  error_ = reason;
  return Event::kError;
}

void ResponseParser::begin_message() {
  llhttp_reset(llhttp_.get());
  ended_ = in_name_ = false;
  text_.clear();
  reason_end_ = 0;
  places_.clear();
}

void ResponseParser::reset() {
  CHECK(stage_ != Stage::kError);
  begin_message();
  stage_ = Stage::kHead;
  bodyless_ = keep_alive_ = false;
  head_bytes_ = trailer_bytes_ = 0;
  fields_.clear();
  head_ = {};
  body_ = {};
}

}  // namespace forebay::http
