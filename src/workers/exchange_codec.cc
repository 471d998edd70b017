#include "workers/exchange_codec.h"

#include <string>

#include "base/check.h"
#include "base/clock.h"

namespace forebay::workers {

using channel::StringReader;
using channel::StringWriter;

namespace {

constexpr std::string_view kContentLength = "Content-Length";

/// A body that came in chunks is complete by now, so it has a length after all (RFC 9112 section
/// 7.1.3). Applications that go by Content-Length would read nothing without. Empty: not chunked.
std::string length_of_chunks(const front::Exchange& exchange) {
  const bool is_chunked = exchange.head.framing == http::BodyFraming::kChunked;
  return is_chunked ? std::to_string(exchange.body.size()) : "";
}

}  // namespace

std::size_t head_bytes(const front::Exchange& exchange) {
  const http::RequestHead& head = exchange.head;
  std::size_t bytes =
      sizeof(channel::RequestHeader) + StringWriter::size_of(head.method) +
      StringWriter::size_of(head.target) + StringWriter::size_of(exchange.origin.script_name) +
      StringWriter::size_of(exchange.origin.path) + StringWriter::size_of(exchange.remote_host);
  for (const http::Field& field : head.fields) {
    bytes += StringWriter::size_of(field.name) + StringWriter::size_of(field.value);
  }
  if (const std::string length = length_of_chunks(exchange); !length.empty()) {
    bytes += StringWriter::size_of(kContentLength) + StringWriter::size_of(length);
  }
  return bytes;
}

void write_head(const front::Exchange& exchange, std::span<std::byte> out) {
  const http::RequestHead& head = exchange.head;
  const std::string length = length_of_chunks(exchange);
  channel::RequestHeader header;
  header.listener = exchange.listener;
  header.flags = static_cast<std::uint16_t>((head.minor_version == 1 ? channel::kHttp11 : 0) |
                                            (head.method == "HEAD" ? channel::kNoBodyWanted : 0) |
                                            (exchange.origin.https ? channel::kHttps : 0));
  header.fields = static_cast<std::uint16_t>(head.fields.size() + (length.empty() ? 0 : 1));
  header.remote_port = exchange.remote_port;
  header.queued_at_ns = to_ns(exchange.queued);
  header.body_bytes = static_cast<std::int64_t>(exchange.body.size());
  StringWriter writer(out);
  writer.put(header);
  writer.string(head.method);
  writer.string(head.target);
  writer.string(exchange.origin.script_name);
  writer.string(exchange.origin.path);
  writer.string(exchange.remote_host);
  for (const http::Field& field : head.fields) {
    writer.string(field.name);
    writer.string(field.value);
  }
  if (!length.empty()) {
    writer.string(kContentLength);
    writer.string(length);
  }
  CHECK(writer.rest().empty());
}

std::optional<ResponseParts> read_response(std::span<const std::byte> payload,
                                           std::vector<http::Field>& fields) {
  StringReader outer(payload);
  const auto bytes = outer.get<std::uint32_t>();
  const std::span<const std::byte> rest = outer.rest();
  if (!outer.ok() || bytes > rest.size()) {
    return std::nullopt;
  }
  StringReader reader(rest.first(bytes));
  const auto header = reader.get<channel::ResponseHeader>();
  const std::string_view reason = reader.string();
  fields.clear();
  for (unsigned i = 0; i < header.fields && reader.ok(); ++i) {
    const std::string_view name = reader.string();
    fields.push_back({name, reader.string()});
  }
  if (!reader.ok()) {
    return std::nullopt;
  }
  const std::span<const std::byte> body = rest.subspan(bytes);
  return ResponseParts{{header.status, reason, fields},
                       {reinterpret_cast<const char*>(body.data()), body.size()}};
}

}  // namespace forebay::workers
