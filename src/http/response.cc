#include "http/response.h"

#include <charconv>

#include "base/check.h"
#include "http/text.h"

namespace forebay::http {
namespace {

constexpr bool is_interim(int status) { return status < 200; }

void append_number(std::string& out, uint64_t number, int base = 10) {
  std::array<char, 20> digits{};
  const auto result = std::to_chars(digits.data(), digits.data() + digits.size(), number, base);
  out.append(digits.data(), result.ptr);
}

}  // namespace

ResponseFraming decide_framing(const RequestFacts& request, int status,
                               std::optional<uint64_t> content_length,
                               std::optional<uint64_t> known_bytes) {
  ResponseFraming framing;
  framing.keep_alive = request.keep_alive;
  if (is_interim(status) || status == 204) {
    framing.body_allowed = false;
    return framing;
  }
  if (status == 205) {
    framing.body_allowed = false;
    framing.content_length = 0;
    return framing;
  }
  if (request.is_head || status == 304) {
    framing.body_allowed = false;
    framing.content_length = content_length;
    // An empty body says nothing of what GET would bring.
    if (!content_length && status != 304 && known_bytes.value_or(0) > 0) {
      framing.content_length = known_bytes;
    }
    return framing;
  }
  framing.content_length = content_length ? content_length : known_bytes;
  if (framing.content_length) {
    // A body that will fall short of its length can only end with the connection.
    if (known_bytes && *known_bytes < *framing.content_length) framing.keep_alive = false;
    return framing;
  }
  framing.chunked = request.minor_version == 1;
  if (!framing.chunked) framing.keep_alive = false;
  return framing;
}

HeadWriter::HeadWriter(std::string& out, int status, std::string_view reason)
    : out_(out), start_(out.size()), status_(status) {
  CHECK(valid_status(status));
  out_.append("HTTP/1.1 ");
  append_number(out_, static_cast<uint64_t>(status));
  out_.push_back(' ');
  out_.append(reason.empty() ? status_reason(status) : reason).append("\r\n");
}

HeadWriter::Fate HeadWriter::field(std::string_view name, std::string_view value) {
  value = trim(value);
  if (!valid_field(name, value)) return Fate::kInvalid;
  const FieldName known = field_name(name);
  if (is_connection_level(known)) return Fate::kDropped;
  if (known == FieldName::kContentLength) {
    if (content_length_) return Fate::kInvalid;
    content_length_ = parse_number(value);
    return content_length_ ? Fate::kTaken : Fate::kInvalid;
  }
  has_date_ |= known == FieldName::kDate;
  has_server_ |= known == FieldName::kServer;
  write(name, value);
  return Fate::kTaken;
}

void HeadWriter::write(std::string_view name, std::string_view value) {
  out_.append(name).append(": ").append(value).append("\r\n");
}

void HeadWriter::finish(const ResponseFraming& framing, const RequestFacts& request,
                        std::string_view date) {
  CHECK(!framing.chunked || (!framing.content_length && request.minor_version == 1));
  if (!is_interim(status_)) {
    if (!has_server_) write("Server", "forebay");
    if (!has_date_) write("Date", date);
    if (framing.content_length) {
      out_.append("Content-Length: ");
      append_number(out_, *framing.content_length);
      out_.append("\r\n");
    }
    if (framing.chunked) write("Transfer-Encoding", "chunked");
    if (!framing.keep_alive) {
      write("Connection", "close");
    } else if (request.minor_version == 0) {
      write("Connection", "keep-alive");
    }
  }
  out_.append("\r\n");
}

bool valid_reason(std::string_view reason) { return is_text(reason); }

bool valid_field(std::string_view name, std::string_view value) {
  return is_token(name) && is_text(value);
}

ChunkHead::ChunkHead(uint64_t size) {  // NOLINT(cppcoreguidelines-pro-type-member-init)
  CHECK(size > 0);
  char* const end = std::to_chars(buffer_.data(), buffer_.data() + 16, size, 16).ptr;
  end[0] = '\r';
  end[1] = '\n';
  size_ = static_cast<uint8_t>(end + 2 - buffer_.data());
}

}  // namespace forebay::http
