#include "http/request_line.h"

#include <algorithm>

#include "base/text.h"
#include "http/text.h"

namespace forebay::http {
namespace {

std::unexpected<ParseError> bad(std::string_view reason) {
  return std::unexpected(ParseError{400, reason});
}

std::expected<int, ParseError> read_version(std::string_view version) {
  if (version.size() != 8 || !version.starts_with("HTTP/") || !is_digit(version[5]) ||
      version[6] != '.' || !is_digit(version[7])) {
    return bad("malformed HTTP version");
  }
  if (version[5] != '1' || version[7] > '1') {
    return std::unexpected(ParseError{505, "HTTP version not supported"});
  }
  return version[7] - '0';
}

bool valid_ip_literal(std::string_view host) {
  return host.size() > 2 && host.front() == '[' && host.back() == ']' &&
         std::ranges::all_of(host.substr(1, host.size() - 2),
                             [](char c) { return is_hex_digit(c) || c == ':' || c == '.'; });
}

bool valid_registered_name(std::string_view host) {
  static constexpr std::string_view kMarks = "-._~!$&'()*+,;=";
  if (host.empty()) return false;
  for (size_t i = 0; i < host.size(); ++i) {
    const char c = host[i];
    if (c == '%') {
      if (i + 2 >= host.size() || !is_hex_digit(host[i + 1]) || !is_hex_digit(host[i + 2]))
        return false;
      i += 2;
      continue;
    }
    const char lower = to_lower(c);
    if (!is_digit(c) && !(lower >= 'a' && lower <= 'z') && !kMarks.contains(c)) return false;
  }
  return true;
}

bool valid_port(std::string_view port) {
  return port.size() <= 5 && std::ranges::all_of(port, is_digit);
}

std::expected<Target, ParseError> read_absolute_target(std::string_view target) {
  const size_t colon = target.find("://");
  if (colon == std::string_view::npos) return bad("malformed request target");
  const std::string_view scheme = target.substr(0, colon);
  if (!equal_ignoring_case(scheme, "http") && !equal_ignoring_case(scheme, "https")) {
    return bad("request target with a scheme that is not http or https");
  }
  const std::string_view rest = target.substr(colon + 3);
  const size_t authority_size = std::min(rest.find_first_of("/?"), rest.size());
  const Target parts{.authority = rest.substr(0, authority_size),
                     .path_and_query = rest.substr(authority_size),
                     .path_missing = false};
  if (!valid_host(parts.authority)) return bad("invalid authority in the request target");
  if (parts.path_and_query.empty()) return Target{parts.authority, "/", false};
  return Target{parts.authority, parts.path_and_query, parts.path_and_query.front() == '?'};
}

}  // namespace

std::expected<RequestLine, ParseError> read_request_line(std::string_view line) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return bad("malformed request line");
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  if (!is_token(method)) return bad("method is not a token");
  if (target.empty() || target.find_first_of(" \t") != std::string_view::npos) {
    return bad("malformed request line");
  }
  const auto minor_version = read_version(line.substr(last + 1));
  if (!minor_version) return std::unexpected(minor_version.error());
  return RequestLine{method, target, *minor_version};
}

std::expected<Target, ParseError> read_target(std::string_view method, std::string_view target) {
  if (target.contains('#')) return bad("fragment in the request target");
  if (method == "CONNECT") {
    const bool is_authority = valid_host(target) && target.contains(':');
    if (!is_authority) return bad("CONNECT needs host and port as its target");
    return std::unexpected(ParseError{501, "CONNECT is not supported"});
  }
  if (target.front() == '/') return Target{.authority = {}, .path_and_query = target};
  if (target == "*") {
    if (method != "OPTIONS") return bad("request target '*' without OPTIONS");
    return Target{.authority = {}, .path_and_query = target};
  }
  return read_absolute_target(target);
}

bool valid_host(std::string_view host) {
  const size_t bracket = host.find(']');
  const size_t colon = host.find(':', bracket == std::string_view::npos ? 0 : bracket);
  const std::string_view name = host.substr(0, colon);
  if (colon != std::string_view::npos && !valid_port(host.substr(colon + 1))) return false;
  return name.starts_with('[') ? valid_ip_literal(name) : valid_registered_name(name);
}

}  // namespace forebay::http
