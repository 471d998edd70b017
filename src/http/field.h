#pragma once

#include <cstdint>
#include <string_view>

namespace forebay::http {

/// One header field. A view: somebody else owns the text.
struct Field {
  std::string_view name;   // case as received
  std::string_view value;  // no space or tab around it
};

/// The field names that mean something to a server.
enum class FieldName : uint8_t {
  kOther,
  kConnection,
  kContentLength,
  kContentType,
  kDate,
  kExpect,
  kHost,
  kServer,
  kTransferEncoding,
  kUpgrade,
  kHopByHop,  // Keep-Alive, Proxy-Connection, TE, Trailer: for this connection only
};

FieldName field_name(std::string_view name);

/// True for a field that speaks about one connection and is never passed on (RFC 9110
/// section 7.6.1).
constexpr bool is_connection_level(FieldName name) {
  return name == FieldName::kConnection || name == FieldName::kHopByHop ||
         name == FieldName::kTransferEncoding || name == FieldName::kUpgrade;
}

/// True for a field that may stand in a trailer section: not one that frames the message, routes
/// it, authenticates it, or says how to read its content (RFC 9110 section 6.5.1).
bool is_allowed_in_trailers(std::string_view name);

}  // namespace forebay::http
