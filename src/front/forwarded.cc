#include "front/forwarded.h"

#include <algorithm>
#include <optional>
#include <ranges>
#include <utility>

#include "base/text.h"
#include "http/path.h"

namespace forebay::front {
namespace {

constexpr std::string_view kScriptName = "SCRIPT_NAME";
constexpr std::string_view kForwardedFor = "X-Forwarded-For";

std::unexpected<http::ParseError> refuse(int status, std::string_view reason) {
  return std::unexpected(http::ParseError{status, reason});
}

/// What of `path` comes after `script`, which has to end where a segment does.
std::optional<std::string_view> below(std::string_view path, std::string_view script) {
  const std::optional<std::string_view> rest = http::after_prefix(path, script);
  const bool at_border = rest && (rest->empty() || rest->front() == '/' || rest->front() == '?');
  return at_border ? rest : std::nullopt;
}

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  return first == std::string_view::npos
             ? ""
             : text.substr(first, text.find_last_not_of(" \t") + 1 - first);
}

/// "1.2.3.4", "1.2.3.4:5", "[::1]:5" or "::1" without brackets and port.
std::string_view without_port(std::string_view node) {
  if (node.starts_with('[')) {
    return node.substr(1, node.find(']') - 1);
  }
  const std::size_t colon = node.find(':');
  return node.find(':', colon + 1) == std::string_view::npos ? node.substr(0, colon) : node;
}

}  // namespace

std::expected<Origin, http::ParseError> Forwarding::origin(const http::RequestHead& head,
                                                           bool from_trusted) const {
  Origin origin;
  origin.script_name = script_name;
  origin.path = head.path_and_query;
  if (from_trusted && !read_fields(head, origin)) {
    return refuse(400, "contradictory fields about the scheme");
  }
  if (origin.script_name.empty() || origin.path == "*") {
    return origin;
  }
  const std::optional<std::string_view> rest = below(origin.path, origin.script_name);
  if (!rest) {
    return refuse(404, "nothing is here: the application's paths begin with its SCRIPT_NAME");
  }
  origin.path = *rest;
  return origin;
}

bool Forwarding::read_fields(const http::RequestHead& head, Origin& origin) const {
  bool scheme_is_said = false;
  for (const http::Field& field : head.fields) {
    if (equal_ignoring_case(field.name, kScriptName)) {
      origin.script_name = field.value.substr(0, field.value.find_last_not_of('/') + 1);
    }
    const auto scheme = std::ranges::find_if(scheme_fields, [&field](const SchemeField& known) {
      return equal_ignoring_case(known.name, field.name);
    });
    if (scheme == scheme_fields.end()) {
      continue;
    }
    const bool https = field.value == scheme->value;
    if (std::exchange(scheme_is_said, true) && https != origin.https) {
      return false;
    }
    origin.https = https;
  }
  origin.client = client ? client_of(head) : "";
  return true;
}

/// From the right, where the nearest proxy has written: the first that is no proxy of ours. What
/// stands further left, anybody may have written.
std::string_view Forwarding::client_of(const http::RequestHead& head) const {
  std::string_view found;
  for (const http::Field& field : std::views::reverse(head.fields)) {
    if (!equal_ignoring_case(field.name, kForwardedFor)) {
      continue;
    }
    std::string_view left = field.value;
    while (!left.empty()) {
      const std::size_t comma = left.rfind(',');
      const bool last = comma == std::string_view::npos;
      const std::string_view address = without_port(trim(last ? left : left.substr(comma + 1)));
      left = last ? "" : left.substr(0, comma);
      const std::optional<net::IpBytes> bytes = net::parse_ip(address);
      if (!bytes) {
        return found;
      }
      found = address;
      if (!trusted.contains(*bytes)) {
        return found;
      }
    }
  }
  return found;
}

}  // namespace forebay::front
