#include "http/field_section.h"

#include <llhttp.h>

#include "base/check.h"
#include "http/text.h"

namespace forebay::http {
namespace {

std::vector<Field>& fields_of(llhttp_t* parser) {
  return *static_cast<std::vector<Field>*>(parser->data);
}

// The section is fed in one piece, so a name comes in one piece as well; the value of some fields
// comes in several, which touch each other.
int on_name(llhttp_t* parser, const char* at, size_t size) {
  fields_of(parser).push_back({.name = {at, size}, .value = {}});
  return HPE_OK;
}

int on_value(llhttp_t* parser, const char* at, size_t size) {
  std::string_view& value = fields_of(parser).back().value;
  value = value.empty() ? std::string_view(at, size) : std::string_view(value.begin(), at + size);
  return HPE_OK;
}

int on_fields_end(llhttp_t*) { return HPE_PAUSED; }

const llhttp_settings_t* settings() {
  static const llhttp_settings_t shared = [] {
    llhttp_settings_t settings;
    llhttp_settings_init(&settings);
    settings.on_header_field = on_name;
    settings.on_header_value = on_value;
    settings.on_headers_complete = on_fields_end;
    return settings;
  }();
  return &shared;
}

// A parser that has just read a request line. The line is a stand-in, as llhttp knows a fixed list
// of methods only, and changes its mind about what follows after some of them; ours is read by
// read_request_line().
llhttp_t parser_before_fields() {
  static const llhttp_t ready = [] {
    static constexpr std::string_view kRequestLine = "POST / HTTP/1.1\r\n";
    llhttp_t parser;
    llhttp_init(&parser, HTTP_REQUEST, settings());
    CHECK(llhttp_execute(&parser, kRequestLine.data(), kRequestLine.size()) == HPE_OK);
    return parser;
  }();
  return ready;
}

}  // namespace

std::expected<FramingOpinion, ParseError> read_field_section(std::string_view section,
                                                             std::vector<Field>& fields) {
  llhttp_t parser = parser_before_fields();
  parser.data = &fields;
  const llhttp_errno_t result = llhttp_execute(&parser, section.data(), section.size());
  if (result != HPE_PAUSED) {
    const char* reason = llhttp_get_error_reason(&parser);
    return std::unexpected(ParseError{400, reason != nullptr ? reason : "malformed fields"});
  }
  for (Field& field : fields) {
    if (field.name.empty()) return std::unexpected(ParseError{400, "empty field name"});
    field.value = trim(field.value);
  }
  return FramingOpinion{.chunked = (parser.flags & F_CHUNKED) != 0,
                        .content_length = parser.content_length};
}

}  // namespace forebay::http
