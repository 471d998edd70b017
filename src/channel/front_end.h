#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"
#include "channel/region.h"

namespace forebay::channel {

/// What a server has said about one request.
struct Record {
  Ticket ticket;
  RecordType type = RecordType::kNothing;
  std::uint8_t flags = 0;
  std::int64_t at_ns = 0;
  std::span<const std::byte> payload;  // in shared memory: valid until the sink returns
};

/// What the sink does with a record.
enum class Taken {
  kYes,
  kLater,  // leave it in the ring, and this server's later ones too: backpressure
};

/// A request that has its place in the region and is not yet published.
struct Draft {
  Ticket ticket;
  std::span<std::byte> payload;
};

/// Which server runs a request, and since when.
struct Claim {
  std::uint32_t server = 0;
  std::int64_t at_ns = 0;  // 0 in the instant between the claim and its time stamp
};

/// The front's end of the channel. One thread.
///
/// Invariants:
///  - what this class knows of a slot (busy, generation, arena pages) is in entries_, private;
///    shared memory is read for two things only: who has claimed a slot, and what records say.
///  - every READY slot has a hint in the ring, unless a worker died between taking the hint and
///    claiming: rehint() repairs that.
class FrontEnd {
 public:
  static Result<FrontEnd> create(const Geometry& geometry);

  [[nodiscard]] int memfd() const { return region_.memfd(); }
  /// The eventfd that workers write to wake the front. Whoever waits for it also reads it.
  [[nodiscard]] int wake_fd() const { return wake_.get(); }

  // Requests, down.

  /// A slot and `bytes` of payload in it (or in the arena), at most kHeadMax + kArenaBodyMax.
  /// Nothing when there is no room now: try again after a finish() or cancel().
  [[nodiscard]] std::optional<Draft> reserve(std::uint64_t bytes);
  /// Makes a reserved request READY and wakes a server if one sleeps. `head_bytes` of the payload
  /// are the head, the rest the body, unless the body is a file of `file_bytes`.
  void publish(const Draft& draft, std::uint32_t head_bytes, std::uint64_t file_bytes);
  /// Wakes further servers if requests are READY although some sleep: who was woken first may be
  /// held up, by the GIL say. False: there is no such request or no such server.
  bool nudge();
  /// Takes a request back. False: a server has claimed it.
  [[nodiscard]] bool cancel(Ticket ticket);
  /// Tells the server that runs it that nobody waits for the answer any more.
  void client_left(Ticket ticket);
  /// Who runs it; nothing while it is READY.
  [[nodiscard]] std::optional<Claim> claim_of(Ticket ticket) const;
  /// The request is over: its slot is free again.
  void finish(Ticket ticket);
  [[nodiscard]] std::uint32_t slots() const { return region_.geometry().slots; }
  /// Requests published and not yet over.
  [[nodiscard]] std::uint32_t outstanding() const { return outstanding_; }

  // Responses, up.

  /// Gives every record to `sink(server, record) -> Taken`; `corrupt(server)` when a ring makes no
  /// sense any more (it is then ignored until forget()). Returns how many records were taken.
  template <typename Sink, typename Corrupt>
  std::size_t drain(Sink&& sink, Corrupt&& corrupt);
  /// The same for one server, whether or not it has announced anything: for a worker that died.
  template <typename Sink, typename Corrupt>
  std::size_t drain_server(std::uint32_t server, Sink&& sink, Corrupt&& corrupt);

  // Sleep.

  /// Announces that the front goes to sleep. False: there are records, look again first.
  [[nodiscard]] bool announce_sleep();
  /// After the sleep: takes the announcement back.
  void awake();
  /// No more requests: servers leave when they find nothing ready.
  void close();

  // Death.

  /// What a server has claimed.
  [[nodiscard]] std::vector<Ticket> owned_by(std::uint32_t server) const;
  /// Makes a dead server's ring and announcements those of a fresh one.
  void forget(std::uint32_t server);
  /// Hints every READY slot again and wakes servers for them.
  void rehint();

 private:
  struct Entry {
    std::uint32_t generation = 0;
    std::uint32_t arena_page = 0;
    std::uint32_t arena_pages = 0;  // 0: the payload is inline
    bool busy = false;
  };
  enum class Read { kEmpty, kRecord, kCorrupt };

  FrontEnd(Region region, Fd wake);
  [[nodiscard]] bool ours(Ticket ticket) const;
  void release(std::uint32_t slot);
  std::optional<std::uint32_t> take_arena_pages(std::uint32_t pages);
  /// READY and not claimed: what a hint is for.
  [[nodiscard]] bool is_ready(std::uint32_t slot) const;
  void push_hint(Ticket ticket);
  void sweep_hints();
  void repair_ready_head(std::vector<Ticket>& living, const std::vector<bool>& seen);
  bool wake_idle_server();
  void wake_server(std::uint32_t server);
  /// The record at `position` of a server's ring, committed up to `tail`, and the position after
  /// it.
  Read read_record(std::uint32_t server, std::uint64_t position, std::uint64_t tail, Record& record,
                   std::uint64_t& next) const;
  void give_room(std::uint32_t server, std::uint64_t head);

  Region region_;
  Fd wake_;
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> free_slots_;  // a stack: the slot used last is warm
  std::vector<bool> arena_;                // page in use
  std::vector<std::uint64_t> heads_;  // ring positions, ours; the shared ones only tell the worker
  std::vector<std::uint64_t> responding_;  // servers whose rings may hold something
  std::vector<bool> corrupt_;
  std::uint64_t ready_tail_;
  std::uint32_t outstanding_ = 0;
};

template <typename Sink, typename Corrupt>
std::size_t FrontEnd::drain(Sink&& sink, Corrupt&& corrupt) {
  std::size_t taken = 0;
  for (std::size_t i = 0; i < responding_.size(); ++i) {
    std::atomic<std::uint64_t>& shared = region_.header().responding[i];
    if (shared.load(std::memory_order_relaxed) != 0) {
      // seq_cst pairs with the worker's fence between its commit and its look at this bit: either
      // it sees the bit gone and sets it again, or the records are visible to us below.
      responding_[i] |= shared.exchange(0, std::memory_order_seq_cst);
    }
    for (std::uint64_t left = responding_[i]; left != 0; left &= left - 1) {
      const auto server =
          static_cast<std::uint32_t>(i * 64) + static_cast<std::uint32_t>(std::countr_zero(left));
      if (server < region_.geometry().servers) {
        taken += drain_server(server, sink, corrupt);
      }
    }
  }
  return taken;
}

template <typename Sink, typename Corrupt>
std::size_t FrontEnd::drain_server(std::uint32_t server, Sink&& sink, Corrupt&& corrupt) {
  const std::uint64_t bit = std::uint64_t{1} << (server % 64);
  std::uint64_t& responding = responding_[server / 64];
  responding &= ~bit;
  if (corrupt_[server]) {
    return 0;
  }
  std::size_t taken = 0;
  std::uint64_t position = heads_[server];
  // Looked at once, so that no worker can keep the front here; what comes later announces itself
  // again. Acquire: what the worker wrote before its commit is visible.
  const std::uint64_t tail = region_.server(server).tail.load(std::memory_order_acquire);
  Record record;
  std::uint64_t next = 0;
  for (;;) {
    const Read read = read_record(server, position, tail, record, next);
    if (read == Read::kCorrupt) {
      corrupt_[server] = true;
      corrupt(server);
      break;
    }
    if (read == Read::kEmpty) {
      break;
    }
    if (record.type != RecordType::kPad && sink(server, record) == Taken::kLater) {
      responding |= bit;
      break;
    }
    taken += record.type != RecordType::kPad ? 1 : 0;
    position = next;
    heads_[server] = position;
  }
  if (position != region_.server(server).head.load(std::memory_order_relaxed)) {
    give_room(server, position);
  }
  return taken;
}

}  // namespace forebay::channel
