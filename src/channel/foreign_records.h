#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "channel/test_support.h"

/// For the fuzz target and the replay of its corpus.
namespace forebay::channel {

/// What precedes the ring's bytes in an input.
struct ForeignStart {
  std::uint64_t first_count = 0;  // where every counter begins, so also where in the ring
  std::uint64_t committed = 0;    // how far the worker says that it has written
};

/// Checks every record that the front takes: from server 0, the foreign one, or from server 1.
struct ForeignCheck {
  std::span<const std::byte> ring;
  std::array<Ticket, 2> tickets;
  std::array<std::size_t, 2> records{};
  bool corrupt = false;

  Taken operator()(std::uint32_t server, const Record& record) {
    CHECK(server < 2 && record.ticket == tickets[server]);
    CHECK(record.type != RecordType::kPad && record.type <= RecordType::kNothing);
    CHECK(record.payload.size() <= kRecordMax);
    if (server == 0) {
      const std::byte* begin = record.payload.data();
      CHECK(begin >= ring.data() + sizeof(RecordHeader));
      CHECK(begin + record.payload.size() <= ring.data() + ring.size());
    }
    ++records[server];
    return Taken::kYes;
  }
};

/// A worker has written `input` into its response ring. Whatever it is: the front takes only
/// records that are right, all inside the ring, and goes on with another worker, and with a
/// successor. Returns how many records were taken.
inline std::size_t drain_foreign_records(std::span<const std::byte> input) {
  ForeignStart start;
  const std::size_t start_bytes = std::min(input.size(), sizeof(start));
  std::memcpy(&start, input.data(), start_bytes);
  input = input.subspan(start_bytes);

  FrontEnd front = FrontEnd::create(small_geometry(start.first_count, 2)).value();
  const Ticket mine = publish_text(front, "claimed by the foreign worker");
  const Ticket of_other = publish_text(front, "claimed by another");
  publish_text(front, "ready");
  TestServer foreign(front, 0);
  TestServer honest(front, 1);
  CHECK(foreign.end.claim()->ticket == mine && honest.end.claim()->ticket == of_other);

  std::atomic<std::uint64_t>& tail = foreign.region.server(0).tail;
  ForeignCheck check{ring_of(front, foreign, 0), {mine, of_other}};
  input = input.first(std::min(input.size(), check.ring.size()));
  for (std::size_t i = 0; i < input.size(); ++i) {
    foreign.region.response_ring(0)[(tail + i) % check.ring.size()] = input[i];
  }
  tail += start.committed;
  foreign.region.header().responding[0] |= 1;
  CHECK(honest.end.try_write(of_other, RecordType::kBody, kDone, {bytes_of("honest")}));

  front.drain(check, [&](std::uint32_t server) {
    CHECK(server == 0 && !check.corrupt);
    check.corrupt = true;
  });
  CHECK(check.records[1] == 1);
  CHECK(check.records[0] <= check.ring.size() / sizeof(RecordHeader));
  CHECK(check.corrupt || foreign.region.server(0).head == tail);

  front.forget(0);
  TestServer successor(front, 0);
  CHECK(successor.end.try_write(mine, RecordType::kBody, kDone, {bytes_of("fresh")}));
  const Drained after = drain_all(front);
  CHECK(after.corrupt.empty() && after.records.size() == 1 && after.records[0].payload == "fresh");
  return check.records[0];
}

}  // namespace forebay::channel
