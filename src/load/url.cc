#include "load/url.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/base64.h"
#include "base/text.h"

namespace forebay::load {
namespace {

constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::string percent_decoded(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 &&
        hex_value(text[i + 2]) >= 0) {
      bytes += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
      i += 2;
    } else {
      bytes += text[i];
    }
  }
  return bytes;
}

/// What a request line can carry.
std::string sendable(std::string_view text) {
  std::string target;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte == ' ' || byte >= 0x80) {
      target += format("%{:02X}", byte);
    } else {
      target += c;
    }
  }
  return target;
}

/// RFC 3986, appendix B. Views into the text; nothing: not there.
struct Parts {
  std::optional<std::string_view> scheme;
  std::optional<std::string_view> authority;
  std::string_view path;
  std::optional<std::string_view> query;
  std::optional<std::string_view> fragment;
};

bool is_scheme(std::string_view text) {
  const auto letter = [](char c) { return to_lower(c) >= 'a' && to_lower(c) <= 'z'; };
  return !text.empty() && letter(text.front()) && std::ranges::all_of(text, [&](char c) {
    return letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
  });
}

/// Cuts `text` before the first of `marks` and returns what was before it.
std::string_view take_until(std::string_view& text, std::string_view marks) {
  const std::string_view taken = text.substr(0, text.find_first_of(marks));
  text.remove_prefix(taken.size());
  return taken;
}

Parts split(std::string_view text) {
  Parts parts;
  const std::string_view scheme = text.substr(0, text.find_first_of(":/?#"));
  if (text.substr(scheme.size()).starts_with(':') && is_scheme(scheme)) {
    parts.scheme = scheme;
    text.remove_prefix(scheme.size() + 1);
  }
  if (text.starts_with("//")) {
    text.remove_prefix(2);
    parts.authority = take_until(text, "/?#");
  }
  parts.path = take_until(text, "?#");
  if (text.starts_with('?')) {
    text.remove_prefix(1);
    parts.query = take_until(text, "#");
  }
  if (text.starts_with('#')) {
    parts.fragment = text.substr(1);
  }
  return parts;
}

/// Section 5.2.4.
std::string without_dot_segments(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    if (path.starts_with("../")) {
      path.remove_prefix(3);
    } else if (path.starts_with("./") || path.starts_with("/./")) {
      path.remove_prefix(2);
    } else if (path == "/.") {
      path = "/";
    } else if (path.starts_with("/../") || path == "/..") {
      path = path.size() > 3 ? path.substr(3) : std::string_view("/");
      const std::size_t slash = out.rfind('/');
      out.resize(slash == std::string::npos ? 0 : slash);
    } else if (path == "." || path == "..") {
      path = {};
    } else {
      const std::size_t end = path.find('/', 1);
      out.append(path.substr(0, end));
      path = end == std::string_view::npos ? std::string_view() : path.substr(end);
    }
  }
  return out;
}

/// Section 5.2.3.
std::string merged(const Parts& base, std::string_view path) {
  if (base.authority && base.path.empty()) {
    return std::string("/").append(path);
  }
  const std::size_t slash = base.path.rfind('/');
  const std::size_t kept = slash == std::string_view::npos ? 0 : slash + 1;
  return std::string(base.path.substr(0, kept)).append(path);
}

Result<std::uint16_t> parse_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), port);
  if (error != std::errc() || end != text.end() || port == 0 || port > 0xffff) {
    return fail(format("'{}' is no port: 1 to 65535", text));
  }
  return static_cast<std::uint16_t>(port);
}

bool is_host_name(std::string_view host) {
  return !host.empty() && std::ranges::all_of(host, [](char c) {
    return static_cast<unsigned char>(c) < 0x80 && !is_control(c) &&
           std::string_view(" \"<>[]\\^`{|}:@").find(c) == std::string_view::npos;
  });
}

bool is_ipv6(std::string_view host) {
  in6_addr address{};
  return ::inet_pton(AF_INET6, std::string(host).c_str(), &address) == 1;
}

Result<void> read_host_and_port(std::string_view text, Url& out) {
  std::string_view host = text;
  std::string_view rest;
  if (text.starts_with('[')) {
    const std::size_t end = std::min(text.find(']'), text.size() - 1);
    host = text.substr(1, end - 1);
    rest = text.substr(end + 1);
    if (!is_ipv6(host) || text[end] != ']') {
      return fail(format("'{}' is no IPv6 address", host));
    }
  } else {
    host = text.substr(0, text.find(':'));
    rest = text.substr(host.size());
    if (!is_host_name(host)) {
      return fail(host.empty() ? "no host" : format("'{}' is no name of a host", host));
    }
  }
  out.host = host;
  if (rest.empty() || rest == ":") {
    out.port = out.tls ? kHttpsPort : kHttpPort;
    return {};
  }
  if (!rest.starts_with(':')) {
    return fail(format("'{}' after the address is no port", rest));
  }
  const Result<std::uint16_t> port = parse_port(rest.substr(1));
  if (!port) {
    return std::unexpected(port.error());
  }
  out.port = *port;
  return {};
}

}  // namespace

std::string Url::authority() const {
  std::string text = host.find(':') == std::string::npos ? host : format("[{}]", host);
  if (port != (tls ? kHttpsPort : kHttpPort)) {
    text += format(":{}", port);
  }
  return text;
}

Result<Url> parse_url(std::string_view text) {
  if (std::ranges::any_of(text, is_control)) {
    return fail("control characters in it");
  }
  const Parts parts = split(text);
  Url url;
  url.tls = parts.scheme && equal_ignoring_case(*parts.scheme, "https");
  const bool known = url.tls || (parts.scheme && equal_ignoring_case(*parts.scheme, "http"));
  if (!known || !parts.authority) {
    return fail("not of the form http://HOST/ or https://HOST/");
  }
  std::string_view host_and_port = *parts.authority;
  if (const std::size_t at = host_and_port.rfind('@'); at != std::string_view::npos) {
    std::string user = percent_decoded(host_and_port.substr(0, at));
    if (user.find(':') == std::string::npos) user += ':';
    url.authorization = "Basic ";
    append_base64(user, url.authorization);
    host_and_port.remove_prefix(at + 1);
  }
  if (Result<void> read = read_host_and_port(host_and_port, url); !read) {
    return std::unexpected(std::move(read.error()));
  }
  url.target = parts.path.empty() ? "/" : sendable(parts.path);
  if (parts.query) {
    url.target.append("?").append(sendable(*parts.query));
  }
  return url;
}

std::string resolve_url(std::string_view base_text, std::string_view reference_text) {
  const Parts base = split(base_text);
  const Parts reference = split(reference_text);
  Parts target = reference;
  std::string path;
  if (!reference.scheme) {
    target.scheme = base.scheme;
    if (!reference.authority) target.authority = base.authority;
  }
  if (reference.scheme || reference.authority || reference.path.starts_with('/')) {
    path = without_dot_segments(reference.path);
  } else if (reference.path.empty()) {
    path = base.path;
    if (!reference.query) target.query = base.query;
  } else {
    path = without_dot_segments(merged(base, reference.path));
  }
  std::string text;
  if (target.scheme) text.append(*target.scheme).append(":");
  if (target.authority) text.append("//").append(*target.authority);
  text.append(path);
  if (target.query) text.append("?").append(*target.query);
  if (target.fragment) text.append("#").append(*target.fragment);
  return text;
}

}  // namespace forebay::load
