#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/check.h"
#include "http/response_parser.h"
#include "http/text.h"

/// For tests and the fuzz target: what a ResponseParser makes of some bytes, as text, so that two
/// ways to feed the same bytes can be compared. Checks on the way what must hold for every answer.
namespace forebay::http {

class ResponseTranscript {
 public:
  /// `heads_only`: the answers are to HEAD.
  explicit ResponseTranscript(const ResponseLimits& limits, bool heads_only = false)
      : limits_(limits), heads_only_(heads_only), parser_(limits) {
    begin();
  }

  /// Feeds one piece, from memory of its own: a view that outlives its right is an error for
  /// AddressSanitizer.
  void feed(std::string_view piece) {
    const auto copy = std::make_unique<char[]>(piece.size());
    std::ranges::copy(piece, copy.get());
    std::string_view input(copy.get(), piece.size());
    while (!over_) {
      const size_t before = input.size();
      const ResponseParser::Event event = parser_.next(input);
      CHECK(input.size() <= before);
      if (event == ResponseParser::Event::kNeedMore) {
        CHECK(input.empty());
        return;
      }
      record(event);
    }
  }

  /// The peer closes.
  void finish() {
    if (!over_ && parser_.started()) record(parser_.finish());
  }

  const std::string& text() const { return text_; }

 private:
  void begin() {
    if (heads_only_) parser_.expect_no_body();
  }

  void record(ResponseParser::Event event) {
    switch (event) {
      case ResponseParser::Event::kHead:
        record_head();
        break;
      case ResponseParser::Event::kBody:
        CHECK(!parser_.body().empty() && !heads_only_);
        body_.append(parser_.body());
        break;
      case ResponseParser::Event::kComplete:
        CHECK(parser_.started());
        record_head();  // again: it must still be there
        if (!body_.empty()) text_.append("body ").append(body_).append("\n");
        body_.clear();
        text_ += parser_.keep_alive() ? "complete keep-alive\n" : "complete close\n";
        over_ = !parser_.keep_alive();
        parser_.reset();
        CHECK(!parser_.started());
        begin();
        break;
      case ResponseParser::Event::kError:
        CHECK(!parser_.error().empty());
        if (!body_.empty()) text_.append("body ").append(body_).append("\n");
        text_.append("error ").append(parser_.error()).append("\n");
        over_ = true;
        break;
      case ResponseParser::Event::kNeedMore:
        CHECK(false);
    }
  }

  void record_head() {
    const ResponseHead& head = parser_.head();
    CHECK(head.status >= 100 && head.status <= 999);
    CHECK(is_text(head.reason));
    CHECK(head.minor_version == 0 || head.minor_version == 1);
    text_ += "1." + std::to_string(head.minor_version) + " " + std::to_string(head.status) + " ";
    text_.append(head.reason).append("\n");
    size_t bytes = head.reason.size();
    for (const Field& field : head.fields) {
      CHECK(is_token(field.name) && is_text(field.value) && trim(field.value) == field.value);
      bytes += field.name.size() + field.value.size();
      text_.append(field.name).append(": ").append(field.value).append("\n");
    }
    CHECK(bytes < limits_.head_bytes);
  }

  const ResponseLimits& limits_;
  bool heads_only_;
  ResponseParser parser_;
  std::string text_;
  std::string body_;
  bool over_ = false;
};

}  // namespace forebay::http
