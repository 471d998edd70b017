#include "load/request_head.h"

#include <string_view>

#include "base/text.h"

namespace forebay::load {
namespace {

bool has(const HeaderFields& fields, std::string_view name) {
  for (const auto& [key, value] : fields) {
    if (equal_ignoring_case(key, name)) {
      return true;
    }
  }
  return false;
}

std::string host_of(const Request& request) {
  for (const auto& [key, value] : request.headers) {
    if (equal_ignoring_case(key, "host")) {
      return value;
    }
  }
  return request.url.authority();
}

/// RFC 9110 section 8.6: a length also for an empty body where the method has a use for one.
bool wants_length(const Request& request) {
  return !request.body->empty() || request.method == "POST" || request.method == "PUT" ||
         request.method == "PATCH";
}

}  // namespace

std::string http1_head(const Request& request, const ClientOptions& options) {
  std::string head = format("{} {} HTTP/1.1\r\nHost: {}\r\n", request.method, request.url.target,
                            host_of(request));
  const auto add = [&head](std::string_view name, std::string_view value) {
    head.append(name).append(": ").append(value).append("\r\n");
  };
  if (!request.url.authorization.empty() && !has(request.headers, "authorization")) {
    add("Authorization", request.url.authorization);
  }
  if (!has(request.headers, "user-agent")) {
    add("User-Agent", "forebay/" FOREBAY_VERSION);
  }
  for (const auto& [name, value] : request.headers) {
    if (!equal_ignoring_case(name, "host") && !equal_ignoring_case(name, "content-length") &&
        !equal_ignoring_case(name, "transfer-encoding")) {
      add(name, value);
    }
  }
  if (options.chunked && !request.body->empty()) {
    add("Transfer-Encoding", "chunked");
  } else if (wants_length(request)) {
    add("Content-Length", format("{}", request.body->size()));
  }
  if (!options.keep_alive) {
    add("Connection", "close");
  }
  if (!options.name.empty()) {
    add("X-Vegeta-Attack", options.name);
  }
  return head;
}

}  // namespace forebay::load
