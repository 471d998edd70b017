#include "http/field.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "http/text.h"

namespace forebay::http {

FieldName field_name(std::string_view name) {
  const auto is = [name](std::string_view lower) { return equal_ignoring_case(name, lower); };
  switch (name.size()) {
    case 2:
      return is("te") ? FieldName::kHopByHop : FieldName::kOther;
    case 4:
      return is("host") ? FieldName::kHost : is("date") ? FieldName::kDate : FieldName::kOther;
    case 6:
      return is("expect")   ? FieldName::kExpect
             : is("server") ? FieldName::kServer
                            : FieldName::kOther;
    case 7:
      return is("upgrade")   ? FieldName::kUpgrade
             : is("trailer") ? FieldName::kHopByHop
                             : FieldName::kOther;
    case 10:
      return is("connection")   ? FieldName::kConnection
             : is("keep-alive") ? FieldName::kHopByHop
                                : FieldName::kOther;
    case 12:
      return is("content-type") ? FieldName::kContentType : FieldName::kOther;
    case 14:
      return is("content-length") ? FieldName::kContentLength : FieldName::kOther;
    case 16:
      return is("proxy-connection") ? FieldName::kHopByHop : FieldName::kOther;
    case 17:
      return is("transfer-encoding") ? FieldName::kTransferEncoding : FieldName::kOther;
    default:
      return FieldName::kOther;
  }
}

bool is_allowed_in_trailers(std::string_view name) {
  static constexpr std::array<std::string_view, 22> kRefused = {"authorization",
                                                                "cache-control",
                                                                "cookie",
                                                                "date",
                                                                "expect",
                                                                "forwarded",
                                                                "host",
                                                                "if-match",
                                                                "if-modified-since",
                                                                "if-none-match",
                                                                "if-range",
                                                                "if-unmodified-since",
                                                                "max-forwards",
                                                                "pragma",
                                                                "proxy-authenticate",
                                                                "proxy-authorization",
                                                                "range",
                                                                "set-cookie",
                                                                "upgrade",
                                                                "via",
                                                                "www-authenticate",
                                                                "age"};
  const auto starts_with = [name](std::string_view prefix) {
    return equal_ignoring_case(name.substr(0, prefix.size()), prefix);
  };
  if (is_connection_level(field_name(name)) || starts_with("content-") ||
      starts_with("x-forwarded-")) {
    return false;
  }
  return std::ranges::none_of(kRefused,
                              [name](auto refused) { return equal_ignoring_case(name, refused); });
}

}  // namespace forebay::http
