#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "channel/message.h"

namespace forebay::extension {

/// A request's head where it lies in shared memory.
struct Request {
  channel::RequestHeader header;
  std::string_view method;
  std::string_view target;  // as received
  std::string_view script_name;
  std::string_view path;  // below it, with the query
  std::string_view remote_address;
  std::span<const std::byte> fields;  // header.fields pairs of name and value

  [[nodiscard]] bool is_http11() const { return (header.flags & channel::kHttp11) != 0; }
  [[nodiscard]] bool is_https() const { return (header.flags & channel::kHttps) != 0; }
  [[nodiscard]] bool body_wanted() const { return (header.flags & channel::kNoBodyWanted) == 0; }

  [[nodiscard]] static Request read(std::span<const std::byte> head) {
    channel::StringReader reader(head);
    Request request;
    request.header = reader.get<channel::RequestHeader>();
    request.method = reader.string();
    request.target = reader.string();
    request.script_name = reader.string();
    request.path = reader.string();
    request.remote_address = reader.string();
    request.fields = reader.rest();
    return request;
  }
};

}  // namespace forebay::extension
