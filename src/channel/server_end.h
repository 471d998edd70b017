#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/result.h"
#include "channel/region.h"

namespace forebay::channel {

/// A request that this server has claimed. The spans lie in shared memory and stay valid until the
/// record with kDone is committed.
struct Claimed {
  Ticket ticket;
  std::span<const std::byte> head;
  std::span<const std::byte> body;
  std::uint64_t file_bytes = 0;  // length of a body that is to be fetched as a file; 0 = none
  std::int64_t claimed_at_ns = 0;
};

/// Whether the answer to a request that `server` has claimed is wanted no more: its client has
/// left, or the request is over. Any thread may ask, also long after the request.
[[nodiscard]] bool is_unwanted(const Region& region, std::uint32_t server, Ticket ticket);

/// One server's end of the channel: one thread of a worker process, which runs one request at a
/// time. Every method is for that thread only.
///
/// Invariants:
///  - after the CAS on the ready ring's head nothing is written but the slot's own word, so a kill
///    at any instruction leaves the region consistent.
///  - a record exists from the moment its tail is stored; nothing is ever taken back.
class ServerEnd {
 public:
  /// `region` is shared by the servers of one process and outlives them. `wake_fd` is the front's.
  ServerEnd(const Region& region, std::uint32_t server, int wake_fd);

  // Requests.

  /// Sleeps until a request may be ready, a signal comes, the channel closes or a second has
  /// passed: yields the CPU once, announces the sleep, looks again, waits. Call it without the GIL.
  void wait_ready();
  [[nodiscard]] bool ready() const;
  /// Takes the next request, if one is there. Call it with the GIL in hand: a claimed request is a
  /// running one.
  [[nodiscard]] std::optional<Claimed> claim();
  /// No more requests will come.
  [[nodiscard]] bool closing() const;

  // Responses.

  /// Commits one record made of the given parts, in order, and wakes the front if it sleeps.
  /// False: no room now; wait_room() for it, without the GIL, and try again.
  /// CHECKs that the parts add up to at most kRecordMax.
  [[nodiscard]] bool try_write(Ticket ticket, RecordType type, std::uint8_t flags,
                               std::initializer_list<std::span<const std::byte>> parts);
  /// Sleeps until the front has consumed something, a signal comes or a second has passed.
  void wait_room();

 private:
  [[nodiscard]] std::uint64_t free_bytes() const;
  void commit(std::uint64_t tail);

  const Region& region_;
  Server& shared_;
  std::byte* ring_;
  std::uint64_t ring_bytes_;
  std::uint64_t tail_;
  std::uint32_t server_;
  int wake_fd_;
};

}  // namespace forebay::channel
