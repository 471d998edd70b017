#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "http/response.h"
#include "workers/exchange_codec.h"

/// For the fuzz target and the replay of its corpus.
namespace forebay::workers {

enum class ForeignResponse : std::uint8_t {
  kNonsense,  // no response: its worker is killed
  kRefused,   // one that HTTP has no place for: its client gets 502
  kSent,
};

inline bool lies_within(std::string_view part, std::span<const std::byte> whole) {
  const char* begin = reinterpret_cast<const char*>(whole.data());
  return part.empty() ||
         (part.data() >= begin && part.data() + part.size() <= begin + whole.size());
}

/// Every line ends with CRLF, there is no other CR or LF, and the only empty line is the last.
inline void check_head_lines(std::string_view head) {
  CHECK(head.ends_with("\r\n\r\n") && head.find("\r\n\r\n") == head.size() - 4);
  for (std::size_t i = 0; i < head.size(); ++i) {
    CHECK((head[i] == '\r') == (i + 1 < head.size() && head[i + 1] == '\n'));
    CHECK(head[i] != '\0');
  }
}

/// A worker has written `payload` as its response. Whatever it is: what is read lies within it, and
/// what is sent is one well-formed head.
inline ForeignResponse check_foreign_response(std::span<const std::byte> payload) {
  std::vector<http::Field> fields;
  const std::optional<ResponseParts> parts = read_response(payload, fields);
  if (!parts) {
    return ForeignResponse::kNonsense;
  }
  const front::ResponseStart& start = parts->head;
  CHECK(lies_within(parts->body, payload) && lies_within(start.reason, payload));
  CHECK(start.fields.size() <= payload.size());
  std::string text;
  bool valid = http::valid_status(start.status) && http::valid_reason(start.reason);
  http::HeadWriter writer(text, valid ? start.status : 502, valid ? start.reason : "");
  for (const http::Field& field : start.fields) {
    CHECK(lies_within(field.name, payload) && lies_within(field.value, payload));
    valid = valid && writer.field(field.name, field.value) != http::HeadWriter::Fate::kInvalid;
  }
  if (!valid) {
    return ForeignResponse::kRefused;
  }
  const http::RequestFacts facts{.is_head = false, .minor_version = 1, .keep_alive = true};
  writer.finish(http::decide_framing(facts, start.status, writer.content_length(), std::nullopt),
                facts, "Thu, 01 Jan 1970 00:00:00 GMT");
  check_head_lines(text);
  return ForeignResponse::kSent;
}

}  // namespace forebay::workers
