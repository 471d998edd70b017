#include "http/field_rules.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>

#include "base/text.h"
#include "http/request_line.h"
#include "http/text.h"

namespace forebay::http {
namespace {

using Verdict = std::expected<void, ParseError>;

// More are nobody's need, and would be compared with every field.
constexpr size_t kConnectionOptionsMax = 16;

std::unexpected<ParseError> refuse(int status, std::string_view reason) {
  return std::unexpected(ParseError{status, reason});
}

// Reads the fields of one request, in order, then draws the conclusions.
class FieldRules {
 public:
  FieldRules(const RequestLimits& limits, RequestHead& head) : limits_(limits), head_(head) {}

  Verdict read(FieldName name, const Field& field);
  Verdict conclude(const FramingOpinion& second);

  bool has_host() const { return has_host_; }

  // Whether the application may see the field, for all that is known before conclude().
  bool is_for_application(FieldName name, const Field& field) const;

  // Whether Connection names it. Only once all fields were read.
  bool is_named_in_connection(const Field& field) const;
  bool connection_names_fields() const { return named_count_ > 0; }

 private:
  // A name without '_', or an exception from the rule about those.
  bool name_passes(std::string_view name) const;
  Verdict read_connection(std::string_view options);
  Verdict read_content_length(std::string_view value);
  Verdict read_expect(std::string_view expectations);
  Verdict read_host(std::string_view value);
  Verdict read_transfer_encoding(std::string_view codings);
  Verdict decide_framing(const FramingOpinion& second) const;

  const RequestLimits& limits_;
  RequestHead& head_;
  bool has_host_ = false;
  bool has_content_type_ = false;
  bool has_transfer_encoding_ = false;
  bool is_chunked_ = false;
  bool has_other_coding_ = false;
  bool wants_close_ = false;
  bool wants_keep_alive_ = false;
  bool wants_upgrade_ = false;
  bool wants_continue_ = false;
  std::string_view upgrade_;
  std::optional<uint64_t> content_length_;
  std::array<std::string_view, kConnectionOptionsMax> named_{};  // fields that Connection names
  size_t named_count_ = 0;
};

Verdict FieldRules::read(FieldName name, const Field& field) {
  switch (name) {
    case FieldName::kConnection:
      return read_connection(field.value);
    case FieldName::kContentLength:
      return read_content_length(field.value);
    case FieldName::kContentType:
      if (std::exchange(has_content_type_, true)) return refuse(400, "two Content-Type fields");
      return {};
    case FieldName::kExpect:
      return read_expect(field.value);
    case FieldName::kHost:
      return read_host(field.value);
    case FieldName::kTransferEncoding:
      return read_transfer_encoding(field.value);
    case FieldName::kUpgrade:
      upgrade_ = field.value;
      return {};
    default:
      break;
  }
  if (limits_.underscore_names == UnderscoreNames::kRefuse && !name_passes(field.name)) {
    return refuse(400, "underscore in a field name");
  }
  return {};
}

Verdict FieldRules::read_connection(std::string_view options) {
  while (!options.empty()) {
    const std::string_view option = take_list_element(options);
    if (option.empty()) continue;
    if (equal_ignoring_case(option, "close")) {
      wants_close_ = true;
    } else if (equal_ignoring_case(option, "keep-alive")) {
      wants_keep_alive_ = true;
    } else if (equal_ignoring_case(option, "upgrade")) {
      wants_upgrade_ = true;
    } else if (named_count_ == kConnectionOptionsMax) {
      return refuse(400, "too many connection options");
    } else {
      named_[named_count_++] = option;
    }
  }
  return {};
}

Verdict FieldRules::read_content_length(std::string_view value) {
  if (content_length_) return refuse(400, "two Content-Length fields");
  content_length_ = parse_number(value);
  if (!content_length_) return refuse(400, "invalid Content-Length");
  return {};
}

Verdict FieldRules::read_expect(std::string_view expectations) {
  if (head_.minor_version == 0) return {};  // RFC 9110 section 10.1.1: to be ignored
  while (!expectations.empty()) {
    if (!equal_ignoring_case(take_list_element(expectations), "100-continue")) {
      return refuse(417, "unknown expectation");
    }
    wants_continue_ = true;
  }
  return {};
}

Verdict FieldRules::read_host(std::string_view value) {
  if (std::exchange(has_host_, true)) return refuse(400, "two Host fields");
  if (!valid_host(value)) return refuse(400, "invalid Host");
  if (head_.host.empty()) head_.host = value;
  return {};
}

Verdict FieldRules::read_transfer_encoding(std::string_view codings) {
  has_transfer_encoding_ = true;
  if (codings.empty()) return refuse(400, "empty Transfer-Encoding");
  const bool ends_in_comma = codings.ends_with(',');
  while (!codings.empty()) {
    const std::string_view coding = take_list_element(codings);
    if (is_chunked_) return refuse(400, "chunked is not the last transfer coding");
    if (!is_token(coding)) return refuse(400, "malformed Transfer-Encoding");
    if (equal_ignoring_case(coding, "chunked")) {
      is_chunked_ = true;
    } else {
      has_other_coding_ = true;
    }
  }
  if (ends_in_comma) return refuse(400, "malformed Transfer-Encoding");
  return {};
}

Verdict FieldRules::decide_framing(const FramingOpinion& second) const {
  if (has_transfer_encoding_) {
    if (head_.minor_version == 0) return refuse(400, "Transfer-Encoding in HTTP/1.0");
    if (content_length_) return refuse(400, "Transfer-Encoding and Content-Length");
    if (!is_chunked_) return refuse(400, "the last transfer coding is not chunked");
    if (has_other_coding_) return refuse(501, "transfer coding not supported");
  }
  if (second.chunked != is_chunked_ || second.content_length != content_length_.value_or(0)) {
    return refuse(400, "ambiguous framing");
  }
  if (content_length_.value_or(0) > limits_.body_bytes) return refuse(413, "body too large");
  head_.framing = is_chunked_       ? BodyFraming::kChunked
                  : content_length_ ? BodyFraming::kLength
                                    : BodyFraming::kNone;
  head_.content_length = content_length_.value_or(0);
  return {};
}

Verdict FieldRules::conclude(const FramingOpinion& second) {
  if (head_.minor_version == 1 && !has_host_) return refuse(400, "no Host field");
  if (Verdict verdict = decide_framing(second); !verdict) return verdict;
  const bool has_body = is_chunked_ || head_.content_length > 0;
  head_.keep_alive = !wants_close_ && (head_.minor_version == 1 || wants_keep_alive_);
  head_.expect_continue = wants_continue_ && has_body;
  if (wants_upgrade_ && head_.minor_version == 1) head_.upgrade = upgrade_;
  return {};
}

bool FieldRules::name_passes(std::string_view name) const {
  return !name.contains('_') ||
         std::ranges::any_of(limits_.underscore_exceptions, [name](const std::string& exception) {
           return exception == "*" || equal_ignoring_case(exception, name);
         });
}

bool FieldRules::is_for_application(FieldName name, const Field& field) const {
  if (is_connection_level(name)) return false;
  return limits_.underscore_names != UnderscoreNames::kDrop || name_passes(field.name);
}

bool FieldRules::is_named_in_connection(const Field& field) const {
  const FieldName name = field_name(field.name);
  // These belong to the message, whatever Connection says: without them it would read differently.
  if (name == FieldName::kHost || name == FieldName::kContentLength ||
      name == FieldName::kContentType) {
    return false;
  }
  return std::ranges::any_of(std::span(named_).first(named_count_),
                             [&](auto option) { return equal_ignoring_case(field.name, option); });
}

// Host says what the absolute-form target said.
void override_host(std::string_view host, bool has_host, std::vector<Field>& fields) {
  if (!has_host) {
    fields.push_back({.name = "Host", .value = host});
    return;
  }
  const auto is_host = [](const Field& field) {
    return field_name(field.name) == FieldName::kHost;
  };
  std::ranges::find_if(fields, is_host)->value = host;
}

}  // namespace

Verdict apply_field_rules(const RequestLimits& limits, const FramingOpinion& second,
                          std::vector<Field>& fields, RequestHead& head) {
  const std::string_view target_host = head.host;
  FieldRules rules(limits, head);
  size_t kept = 0;
  for (const Field& field : fields) {
    const FieldName name = field_name(field.name);
    if (Verdict verdict = rules.read(name, field); !verdict) return verdict;
    if (rules.is_for_application(name, field)) fields[kept++] = field;
  }
  fields.resize(kept);
  if (Verdict verdict = rules.conclude(second); !verdict) return verdict;
  if (rules.connection_names_fields()) {
    std::erase_if(fields, [&](const Field& field) { return rules.is_named_in_connection(field); });
  }
  if (!target_host.empty()) override_host(target_host, rules.has_host(), fields);
  head.fields = fields;
  return {};
}

}  // namespace forebay::http
