#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "channel/front_end.h"
#include "channel/region.h"
#include "channel/server_end.h"

/// What the tests of the channel share. Nothing of this is in the product.
namespace forebay::channel {

/// Sanitizers are ten times slower, and a failure shows as well in fewer requests.
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

/// Where the counters of a test begin: at zero, and so near the wraps of 64 bits and of 32 bits
/// that a handful of requests carries positions and generations across.
inline constexpr std::array<std::uint64_t, 3> kFirstCounts{0, std::uint64_t{0} - 5,
                                                           (std::uint64_t{1} << 32) - 5};

/// The smallest channel.
inline Geometry small_geometry(std::uint64_t first_count, std::uint32_t servers = 1) {
  return {.servers = servers,
          .slots = 7,
          .ready_capacity = 8,
          .response_ring_bytes = kResponseRingMin,
          .arena_pages = 4,
          .first_count = first_count};
}

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

inline std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// One server with a mapping of its own, as a worker has it.
struct TestServer {
  TestServer(const FrontEnd& front, std::uint32_t server)
      : region(Region::attach(front.memfd()).value()), end(region, server, front.wake_fd()) {}

  Region region;
  ServerEnd end;
};

/// A record that the front has taken, copied.
struct TestRecord {
  std::uint32_t server = 0;
  Ticket ticket;
  RecordType type = RecordType::kNothing;
  std::uint8_t flags = 0;
  std::int64_t at_ns = 0;
  std::string payload;

  TestRecord(std::uint32_t from, const Record& record)
      : server(from),
        ticket(record.ticket),
        type(record.type),
        flags(record.flags),
        at_ns(record.at_ns),
        payload(text_of(record.payload)) {}
};

/// What one drain() gave.
struct Drained {
  std::vector<TestRecord> records;
  std::vector<std::uint32_t> corrupt;
};

inline Drained drain_all(FrontEnd& front) {
  Drained drained;
  const std::size_t taken = front.drain(
      [&](std::uint32_t server, const Record& record) {
        drained.records.emplace_back(server, record);
        return Taken::kYes;
      },
      [&](std::uint32_t server) { drained.corrupt.push_back(server); });
  CHECK(taken == drained.records.size());
  return drained;
}

/// Reserves and publishes a request whose payload is all head.
inline Ticket publish_text(FrontEnd& front, std::string_view text) {
  const std::optional<Draft> draft = front.reserve(text.size());
  CHECK(draft.has_value());
  std::ranges::copy(bytes_of(text), draft->payload.begin());
  front.publish(*draft, static_cast<std::uint32_t>(text.size()), 0);
  return draft->ticket;
}

/// Where a server's ring lies in the front's own mapping.
inline std::span<const std::byte> ring_of(FrontEnd& front, const TestServer& server,
                                          std::uint32_t index) {
  const Draft draft = front.reserve(0).value();
  front.finish(draft.ticket);
  const auto* base = reinterpret_cast<std::byte*>(&server.region.header());
  return {draft.payload.data() - server.region.inline_offset(draft.ticket.slot) +
              (server.region.response_ring(index) - base),
          server.region.geometry().response_ring_bytes};
}

}  // namespace forebay::channel
