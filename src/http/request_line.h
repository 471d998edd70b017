#pragma once

#include <expected>
#include <string_view>

#include "http/request.h"

namespace forebay::http {

struct RequestLine {
  std::string_view method;
  std::string_view target;
  int minor_version = 1;
};

/// RFC 9112 section 3: `method SP target SP HTTP/1.x`, single spaces. `line` is without CRLF and
/// has no control bytes.
std::expected<RequestLine, ParseError> read_request_line(std::string_view line);

/// The parts of a request target (RFC 9112 section 3.2).
struct Target {
  std::string_view authority;  // of the absolute form, else empty
  std::string_view path_and_query;
  bool path_missing =
      false;  // absolute form with a query and no path: a '/' belongs before path_and_query
};

std::expected<Target, ParseError> read_target(std::string_view method, std::string_view target);

/// A value fit for Host: host and optional port, nothing else (RFC 3986 section 3.2.2, without user
/// information).
bool valid_host(std::string_view host);

}  // namespace forebay::http
