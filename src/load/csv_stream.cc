#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "base/base64.h"
#include "base/text.h"
#include "http/text.h"
#include "load/hit_decoder.h"
#include "load/vegeta.h"

/// Records of twelve fields, without a header, as RFC 4180 has them but for LF at the end: time in
/// ns since the epoch, code, latency in ns, bytes out, bytes in, error, body in base64, attack,
/// sequence, method, URL, headers as lines in base64.
namespace forebay::load {
namespace {

constexpr std::size_t kFields = 12;
using Fields = std::array<std::string, kFields>;

// --- writing ---------------------------------------------------------------------------------

/// Go also quotes what begins with a space of any script, as its reader drops it otherwise.
bool needs_quotes(std::string_view text) {
  if (text.empty()) {
    return false;
  }
  const auto first = static_cast<std::uint8_t>(text[0]);
  return first <= ' ' || first >= 0x80 || text == "\\." ||
         text.find_first_of(",\"\r\n") != std::string_view::npos;
}

void put_text(std::string_view text, std::string& out) {
  out.push_back(',');
  if (!needs_quotes(text)) {
    out += text;
    return;
  }
  out.push_back('"');
  for (const char c : text) {
    out.append(c == '"' ? 2 : 1, c);
  }
  out.push_back('"');
}

void put_value(std::string_view value, std::string& lines) {
  for (const char c : http::trim(value)) {
    lines.push_back(c == '\r' || c == '\n' ? ' ' : c);
  }
}

/// In the order of their names, each with its CRLF, and an empty line.
std::string header_lines(const HeaderFields& headers) {
  std::string lines;
  for (const auto& [name, values] : group_headers(headers)) {
    for (const std::string_view value : values) {
      if (http::is_token(name)) {
        lines.append(name).append(": ");
        put_value(value, lines);
        lines += "\r\n";
      }
    }
  }
  return lines += "\r\n";
}

class Writer final : public HitWriter {
 public:
  void begin(const Run& /*run*/, std::string& /*out*/) override {}
  void end(const Run& /*run*/, std::string& /*out*/) override {}

  void write(const Hit& hit, std::string& out) override {
    fmt::format_to(std::back_inserter(out), "{},{},{},{},{}", hit.intended_ns, vegeta_code(hit),
                   hit.latency.count(), hit.bytes_out, hit.bytes_in);
    put_text(hit.error, out);
    out.push_back(',');
    append_base64(hit.body, out);
    put_text(hit.attack, out);
    fmt::format_to(std::back_inserter(out), ",{}", hit.sequence);
    put_text(hit.method, out);
    put_text(hit.url, out);
    out.push_back(',');
    if (!hit.headers.empty()) {
      append_base64(header_lines(hit.headers), out);
    }
    out.push_back('\n');
  }
};

// --- reading ---------------------------------------------------------------------------------

/// The records of a source as they stand there, without their ends. The last one may lack its end.
class Records {
 public:
  /// False as HitDecoder::next. `record` is good until the source reads more.
  Result<bool> next(ByteSource& source, std::string_view& record) {
    while (!find_end(source.rest())) {
      const Result<bool> more = source.more();
      if (!more) {
        return more;
      }
      if (!*more && (!source.ended() || source.rest().empty())) {
        return false;
      }
      if (!*more) {
        break;
      }
    }
    record = source.rest().substr(0, searched_);
    source.take(std::min(searched_ + 1, source.rest().size()));
    if (record.ends_with('\r')) {
      record.remove_suffix(1);
    }
    searched_ = 0;
    quoted_ = false;
    ++number_;
    return true;
  }
  /// Of the record that next() gave, from 1.
  [[nodiscard]] std::uint64_t number() const { return number_; }

 private:
  /// A line feed that is not between quotes; searched_ is its place then.
  bool find_end(std::string_view text) {
    while (true) {
      searched_ = std::min(text.find_first_of(quoted_ ? "\"" : "\"\n", searched_), text.size());
      if (searched_ == text.size()) {
        return false;
      }
      if (text[searched_] == '\n') {
        return true;
      }
      quoted_ = !quoted_;
      ++searched_;
    }
  }

  std::size_t searched_ = 0;
  bool quoted_ = false;  // at searched_
  std::uint64_t number_ = 0;
};

/// Takes one field and the comma after it off the record. False: quotes where none may be, or one
/// that is not closed.
bool take_field(std::string_view& record, std::string& field) {
  field.clear();
  record.remove_prefix(std::min(record.find_first_not_of(" \t"), record.size()));
  if (!record.starts_with('"')) {
    const std::size_t end = std::min(record.find(','), record.size());
    field = record.substr(0, end);
    record.remove_prefix(end);
    return !field.contains('"');
  }
  do {
    record.remove_prefix(1);
    const std::size_t end = record.find('"');
    if (end == std::string_view::npos) {
      return false;
    }
    field += record.substr(0, end);
    record.remove_prefix(end + 1);
    if (record.starts_with('"')) {
      field.push_back('"');
    }
  } while (record.starts_with('"'));
  return record.empty() || record.starts_with(',');
}

bool split(std::string_view record, Fields& fields) {
  for (std::size_t i = 0; i < kFields; ++i) {
    if (!take_field(record, fields[i]) || record.empty() != (i + 1 == kFields)) {
      return false;
    }
    record.remove_prefix(std::min<std::size_t>(1, record.size()));
  }
  return true;
}

template <typename Number>
bool read_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.begin(), text.end(), number);
  return error == std::errc() && end == text.end();
}

bool read_code(std::string_view text, int& code) {
  std::uint16_t number = 0;
  const bool read = read_number(text, number);
  code = number;
  return read;
}

bool read_base64(std::string_view text, std::string& bytes) {
  std::optional<std::string> decoded = decode_base64(text);
  bytes = std::move(decoded).value_or("");
  return decoded.has_value();
}

bool read_headers(std::string_view text, HeaderFields& headers) {
  std::string decoded;
  if (!read_base64(text, decoded)) {
    return false;
  }
  std::string_view lines = decoded;
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    if (line.empty()) {
      break;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !http::is_token(line.substr(0, colon))) {
      return false;
    }
    headers.emplace_back(line.substr(0, colon), http::trim(line.substr(colon + 1)));
  }
  return true;
}

/// Empty: all is well. Else the name of the field that makes no sense.
std::string_view read_hit(Fields& fields, Hit& hit) {
  if (!read_number(fields[0], hit.intended_ns)) {
    return "timestamp";
  }
  if (!read_code(fields[1], hit.code)) {
    return "code";
  }
  Duration::rep latency = 0;
  if (!read_number(fields[2], latency)) {
    return "latency";
  }
  if (!read_number(fields[3], hit.bytes_out) || !read_number(fields[4], hit.bytes_in)) {
    return "number of bytes";
  }
  if (!read_base64(fields[6], hit.body)) {
    return "body";
  }
  if (!read_number(fields[8], hit.sequence)) {
    return "sequence number";
  }
  if (!read_headers(fields[11], hit.headers)) {
    return "header block";
  }
  hit.latency = Duration{latency};
  hit.error = std::move(fields[5]);
  hit.attack = std::move(fields[7]);
  hit.method = std::move(fields[9]);
  hit.url = std::move(fields[10]);
  hit.failure = failure_of(hit.code, hit.error);
  return {};
}

class Decoder final : public HitDecoder {
 public:
  Result<bool> next(ByteSource& source, Hit& hit) override {
    std::string_view record;
    do {
      Result<bool> found = records_.next(source, record);
      if (!found || !*found) {
        return found;
      }
    } while (record.empty());

    Fields fields;
    if (!split(record, fields)) {
      return fail(format("record {}: not {} fields of CSV", records_.number(), kFields));
    }
    hit = Hit{};
    if (const std::string_view wrong = read_hit(fields, hit); !wrong.empty()) {
      return fail(format("record {}: its {} makes no sense", records_.number(), wrong));
    }
    return true;
  }

 private:
  Records records_;
};

}  // namespace

std::unique_ptr<HitDecoder> csv_decoder() { return std::make_unique<Decoder>(); }
std::unique_ptr<HitWriter> csv_writer() { return std::make_unique<Writer>(); }

}  // namespace forebay::load
