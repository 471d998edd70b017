#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/check.h"
#include "http/request_parser.h"
#include "http/text.h"

/// For tests and the fuzz target: what a RequestParser makes of some bytes, as text, so that two
/// ways to feed the same bytes can be compared. Checks on the way what must hold for every request
/// there is.
namespace forebay::http {

class Transcript {
 public:
  explicit Transcript(const RequestLimits& limits) : limits_(limits), parser_(limits) {}

  /// Feeds one piece, from memory of its own: a view that outlives its right is an error for
  /// AddressSanitizer.
  void feed(std::string_view piece) {
    const auto copy = std::make_unique<char[]>(piece.size());
    std::ranges::copy(piece, copy.get());
    std::string_view input(copy.get(), piece.size());
    while (status_ == 0) {
      const size_t before = input.size();
      const RequestParser::Event event = parser_.next(input);
      CHECK(input.size() <= before);
      if (event == RequestParser::Event::kNeedMore) {
        CHECK(input.empty());
        return;
      }
      record(event);
    }
  }

  /// Ends the transcript.
  std::string text() const {
    std::string_view end = "idle";
    if (status_ != 0) {
      end = "refused";
    } else if (parser_.started()) {
      end = "unfinished";
    }
    return text_ + (body_.empty() ? "" : "body " + body_ + "\n") + std::string(end) + "\n";
  }

  int status() const { return status_; }  // 0, or that of the error
  int heads() const { return heads_; }
  int completed() const { return completed_; }

 private:
  void record(RequestParser::Event event) {
    switch (event) {
      case RequestParser::Event::kHead:
        ++heads_;
        body_bytes_ = 0;
        check_head();
        record_head();
        break;
      case RequestParser::Event::kBody:
        CHECK(!parser_.body().empty());
        body_.append(parser_.body());
        body_bytes_ += parser_.body().size();
        CHECK(body_bytes_ <= limits_.body_bytes);
        break;
      case RequestParser::Event::kComplete:
        check_body();
        if (!body_.empty()) text_.append("body ").append(body_).append("\n");
        body_.clear();
        text_ += "complete\n";
        ++completed_;
        parser_.reset();
        CHECK(!parser_.started());
        break;
      case RequestParser::Event::kError:
        status_ = parser_.error().status;
        CHECK(status_ >= 400 && status_ <= 505 && !parser_.error().reason.empty());
        text_ += std::to_string(status_) + " " + std::string(parser_.error().reason) + "\n";
        break;
      case RequestParser::Event::kNeedMore:
        CHECK(false);
    }
  }

  void check_head() const {
    const RequestHead& head = parser_.head();
    CHECK(is_token(head.method));
    CHECK(!head.target.empty() && is_text(head.target) && !head.target.contains(' '));
    CHECK(head.path_and_query.starts_with('/') || head.path_and_query == "*");
    CHECK(head.minor_version == 0 || !head.host.empty());
    CHECK(head.fields.size() <=
          limits_.fields + 1);  // a Host of our own, from an absolute-form target
    size_t hosts = 0;
    size_t lengths = 0;
    for (const Field& field : head.fields) {
      CHECK(is_token(field.name) && is_text(field.value) && trim(field.value) == field.value);
      const FieldName name = field_name(field.name);
      CHECK(!is_connection_level(name));
      CHECK(limits_.underscore_names == UnderscoreNames::kPass || !field.name.contains('_'));
      CHECK(name != FieldName::kHost || field.value == head.host);
      CHECK(name != FieldName::kContentLength ||
            std::stoull(std::string(field.value)) == head.content_length);
      hosts += name == FieldName::kHost;
      lengths += name == FieldName::kContentLength;
    }
    CHECK(hosts == (head.host.empty() ? 0 : 1));
    CHECK(lengths == (head.framing == BodyFraming::kLength ? 1 : 0));
    CHECK(head.framing == BodyFraming::kLength || head.content_length == 0);
    CHECK(head.framing != BodyFraming::kChunked || head.minor_version == 1);
    CHECK(!head.expect_continue || head.framing != BodyFraming::kNone);
  }

  void check_body() const {
    const RequestHead& head = parser_.head();
    CHECK(head.framing == BodyFraming::kChunked || body_bytes_ == head.content_length);
  }

  void record_head() {
    const RequestHead& head = parser_.head();
    text_.append(head.method).append(" ").append(head.path_and_query);
    text_.append(" 1.").append(std::to_string(head.minor_version));
    if (head.framing == BodyFraming::kLength)
      text_ += " length=" + std::to_string(head.content_length);
    if (head.framing == BodyFraming::kChunked) text_ += " chunked";
    if (head.keep_alive) text_ += " keep-alive";
    if (head.expect_continue) text_ += " continue";
    if (!head.upgrade.empty()) text_.append(" upgrade=").append(head.upgrade);
    text_ += "\n";
    for (const Field& field : head.fields) {
      text_.append(field.name).append(": ").append(field.value).append("\n");
    }
  }

  const RequestLimits& limits_;
  RequestParser parser_;
  std::string text_;
  std::string body_;
  uint64_t body_bytes_ = 0;
  int status_ = 0;
  int heads_ = 0;
  int completed_ = 0;
};

}  // namespace forebay::http
