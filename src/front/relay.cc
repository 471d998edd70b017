#include "front/relay.h"

#include <algorithm>

#include "base/text.h"

namespace forebay::front {

void Relay::start(const ResponseStart& head, std::string_view body, bool end) {
  scratch_.clear();
  bool valid = head.status >= 200 && http::valid_status(head.status) && !started() &&
               http::valid_reason(head.reason);
  http::HeadWriter writer(scratch_, valid ? head.status : 502, valid ? head.reason : "");
  for (const http::Field& field : head.fields) {
    valid = valid && writer.field(field.name, field.value) != http::HeadWriter::Fate::kInvalid;
  }
  if (!valid) {  // the extension checks all this: what comes here is a broken worker
    writer.cancel();
    spoil();
    return finish(end);
  }
  if (marker_ != nullptr) {
    mark(writer, head.fields);
  }
  const std::optional<std::uint64_t> known =
      end ? std::optional<std::uint64_t>(body.size()) : std::nullopt;
  framing_ = http::decide_framing(facts_, head.status, writer.content_length(), known);
  const http::HttpDate& date = clock_.now();
  writer.finish(framing_, facts_, {date.data(), date.size()});
  status_ = head.status;
  left_ = framing_.content_length;
  body = take(body);
  if (!muted_ && framing_.chunked && !body.empty()) {
    const http::ChunkHead chunk(body.size());
    out_.send({scratch_, chunk.text(), body, http::kChunkEnd, end ? http::kLastChunk : ""});
  } else if (!muted_) {
    out_.send({scratch_, body, end && framing_.chunked ? http::kLastChunk : ""});
  }
  finish(end);
}

void Relay::mark(http::HeadWriter& writer, std::span<const http::Field> fields) const {
  const bool has_id = std::ranges::any_of(fields, [](const http::Field& field) {
    return equal_ignoring_case(field.name, "X-Request-ID");
  });
  marker_->mark_answer(writer, *exchange_, has_id);
}

void Relay::body(std::string_view bytes, bool end) {
  if (has_file_ && !bytes.empty() && !muted_) {
    spoil();  // nothing comes after a file
  }
  bytes = take(bytes);
  const std::string_view last = end && framing_.chunked ? http::kLastChunk : "";
  if (muted_) {
    // Nobody listens.
  } else if (framing_.chunked && !bytes.empty()) {
    const http::ChunkHead chunk(bytes.size());
    out_.send({chunk.text(), bytes, http::kChunkEnd, last});
  } else if (!bytes.empty() || !last.empty()) {
    out_.send({bytes, last});
  }
  finish(end);
}

void Relay::file(Fd file, std::uint64_t offset, std::uint64_t length, bool end) {
  if (!framing_.body_allowed || muted_) {
    return finish(end);
  }
  if (framing_.chunked || has_file_ || (left_ && *left_ < length)) {
    spoil();  // a file always comes with its length, and alone
    return finish(end);
  }
  has_file_ = true;
  left_ = left_ ? std::optional(*left_ - length) : std::nullopt;
  body_bytes_ += length;
  if (length != 0) {
    out_.send_file(std::move(file), offset, length);
  }
  finish(end);
}

std::string_view Relay::take(std::string_view bytes) {
  if (!framing_.body_allowed) {
    return {};
  }
  if (left_) {
    bytes = bytes.substr(0, *left_);
    *left_ -= bytes.size();
  }
  body_bytes_ += bytes.size();
  return bytes;
}

void Relay::finish(bool end) {
  if (!end) {
    return;
  }
  broken_ = broken_ || (framing_.body_allowed && left_.value_or(0) != 0);
  over_ = true;
  changed_.set();
}

void Relay::spoil() {
  reason_ = Reason::kWorkerDied;
  broken_ = true;
  muted_ = true;
}

void Relay::abort(Reason reason) {
  reason_ = started() || reason != Reason::kAppFailed ? reason : Reason::kWorkerDied;
  broken_ = true;
  over_ = true;
  changed_.set();
}

void Relay::lost(Reason reason) { abort(reason); }

}  // namespace forebay::front
