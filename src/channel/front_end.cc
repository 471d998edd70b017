#include "channel/front_end.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/crash_point.h"
#include "channel/futex.h"

namespace forebay::channel {

FrontEnd::FrontEnd(Region region, Fd wake)
    : region_(std::move(region)),
      wake_(std::move(wake)),
      entries_(region_.geometry().slots),
      arena_(region_.geometry().arena_pages),
      heads_(region_.geometry().servers, region_.server(0).head.load(std::memory_order_relaxed)),
      responding_((region_.geometry().servers + 63) / 64),
      corrupt_(region_.geometry().servers),
      ready_tail_(region_.geometry().first_count) {
  for (Entry& entry : entries_) {
    entry.generation = static_cast<std::uint32_t>(region_.geometry().first_count);
  }
  for (std::uint32_t i = region_.geometry().slots; i-- > 0;) {
    free_slots_.push_back(i);
  }
}

Result<FrontEnd> FrontEnd::create(const Geometry& geometry) {
  Result<Region> region = Region::create(geometry);
  if (!region) {
    return std::unexpected(region.error());
  }
  Fd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) {
    return fail_errno("create an eventfd");
  }
  return FrontEnd(std::move(*region), std::move(wake));
}

// Requests, down.

std::optional<Draft> FrontEnd::reserve(std::uint64_t bytes) {
  CHECK(bytes <= kHeadMax + kArenaBodyMax);
  if (free_slots_.empty()) {
    return std::nullopt;
  }
  const std::uint32_t index = free_slots_.back();
  std::uint64_t offset = region_.inline_offset(index);
  Entry& entry = entries_[index];
  entry.arena_pages = 0;
  if (bytes > kInlineBytes) {
    const auto pages = static_cast<std::uint32_t>((bytes + kArenaPageBytes - 1) / kArenaPageBytes);
    const std::optional<std::uint32_t> page = take_arena_pages(pages);
    if (!page) {
      return std::nullopt;
    }
    entry.arena_page = *page;
    entry.arena_pages = pages;
    offset = region_.arena_offset(*page);
  }
  free_slots_.pop_back();
  entry.busy = true;
  ++outstanding_;
  region_.slot(index).payload_offset = offset;
  return Draft{{index, entry.generation}, region_.at(offset, bytes)};
}

void FrontEnd::publish(const Draft& draft, std::uint32_t head_bytes, std::uint64_t file_bytes) {
  CHECK(ours(draft.ticket) && head_bytes <= draft.payload.size());
  Slot& slot = region_.slot(draft.ticket.slot);
  slot.head_bytes = head_bytes;
  slot.body_bytes = static_cast<std::uint32_t>(draft.payload.size()) - head_bytes;
  slot.file_bytes = file_bytes;
  slot.claimed_at_ns.store(0, std::memory_order_relaxed);
  slot.client_left.store(0, std::memory_order_relaxed);
  // Release: who claims the slot sees its payload.
  slot.word.store(SlotWord{draft.ticket.generation, SlotState::kReady, 0}.pack(),
                  std::memory_order_release);
  crash_point("front.slot_ready");
  push_hint(draft.ticket);
  crash_point("front.hinted");
  wake_idle_server();
  crash_point("front.server_woken");
}

bool FrontEnd::nudge() {
  const std::uint64_t ready =
      ready_tail_ - region_.header().ready_head.load(std::memory_order_acquire);
  std::uint64_t woken = 0;
  while (woken < std::min<std::uint64_t>(ready, region_.geometry().slots) && wake_idle_server()) {
    ++woken;
  }
  return woken != 0;
}

bool FrontEnd::cancel(Ticket ticket) {
  CHECK(ours(ticket));
  std::uint64_t expected = SlotWord{ticket.generation, SlotState::kReady, 0}.pack();
  const SlotWord free{ticket.generation + 1, SlotState::kFree, 0};
  if (!region_.slot(ticket.slot)
           .word.compare_exchange_strong(expected, free.pack(), std::memory_order_acq_rel)) {
    return false;
  }
  release(ticket.slot);
  return true;
}

void FrontEnd::client_left(Ticket ticket) {
  CHECK(ours(ticket));
  // Relaxed: it says nothing of other memory.
  region_.slot(ticket.slot).client_left.store(1, std::memory_order_relaxed);
}

std::optional<Claim> FrontEnd::claim_of(Ticket ticket) const {
  CHECK(ours(ticket));
  const Slot& slot = region_.slot(ticket.slot);
  const SlotWord word = SlotWord::unpack(slot.word.load(std::memory_order_acquire));
  if (word.state != SlotState::kClaimed || word.generation != ticket.generation) {
    return std::nullopt;
  }
  return Claim{word.owner, slot.claimed_at_ns.load(std::memory_order_relaxed)};
}

void FrontEnd::finish(Ticket ticket) {
  CHECK(ours(ticket));
  crash_point("front.before_finish");
  region_.slot(ticket.slot)
      .word.store(SlotWord{ticket.generation + 1, SlotState::kFree, 0}.pack(),
                  std::memory_order_release);
  release(ticket.slot);
}

bool FrontEnd::ours(Ticket ticket) const {
  return ticket.slot < entries_.size() && entries_[ticket.slot].busy &&
         entries_[ticket.slot].generation == ticket.generation;
}

void FrontEnd::release(std::uint32_t slot) {
  Entry& entry = entries_[slot];
  for (std::uint32_t i = 0; i < entry.arena_pages; ++i) {
    arena_[entry.arena_page + i] = false;
  }
  entry.arena_pages = 0;
  entry.busy = false;
  ++entry.generation;
  --outstanding_;
  free_slots_.push_back(slot);
}

std::optional<std::uint32_t> FrontEnd::take_arena_pages(std::uint32_t pages) {
  std::uint32_t run = 0;
  for (std::uint32_t i = 0; i < arena_.size(); ++i) {
    run = arena_[i] ? 0 : run + 1;
    if (run == pages) {
      const std::uint32_t first = i + 1 - pages;
      std::fill_n(arena_.begin() + first, pages, true);
      return first;
    }
  }
  return std::nullopt;
}

bool FrontEnd::is_ready(std::uint32_t slot) const {
  const SlotWord ready{entries_[slot].generation, SlotState::kReady, 0};
  return entries_[slot].busy &&
         region_.slot(slot).word.load(std::memory_order_relaxed) == ready.pack();
}

void FrontEnd::push_hint(Ticket ticket) {
  Header& header = region_.header();
  if (ready_tail_ - header.ready_head.load(std::memory_order_acquire) >=
      region_.geometry().ready_capacity) {
    sweep_hints();
  }
  region_.hint(ready_tail_).store(ticket.pack(), std::memory_order_relaxed);
  // seq_cst pairs with a server's announcement: either it sees this hint, or we see that it sleeps.
  header.ready_tail.store(++ready_tail_, std::memory_order_seq_cst);
}

/// The ring is full of hints of cancelled requests: consume them all and hint the living again.
void FrontEnd::sweep_hints() {
  Header& header = region_.header();
  const std::uint64_t capacity = region_.geometry().ready_capacity;
  std::vector<Ticket> living;
  std::vector<bool> seen(entries_.size());  // after a death a request may be hinted twice
  std::uint64_t head = header.ready_head.load(std::memory_order_acquire);
  while (head != ready_tail_ && ready_tail_ - head <= capacity) {
    const Ticket ticket = Ticket::unpack(region_.hint(head).load(std::memory_order_relaxed));
    if (!header.ready_head.compare_exchange_weak(head, head + 1, std::memory_order_acq_rel)) {
      continue;
    }
    ++head;
    if (ours(ticket) && !seen[ticket.slot]) {
      seen[ticket.slot] = true;
      living.push_back(ticket);
    }
  }
  if (head != ready_tail_) {
    repair_ready_head(living, seen);
  }
  CHECK(living.size() < capacity);
  for (const Ticket& ticket : living) {
    region_.hint(ready_tail_++).store(ticket.pack(), std::memory_order_relaxed);
  }
  header.ready_tail.store(ready_tail_, std::memory_order_seq_cst);
  // While we held the hints the ring looked empty, and servers may have gone to sleep over it.
  for (std::size_t i = 0; i < living.size(); ++i) {
    wake_idle_server();
  }
}

/// A worker has written over the head: begin again with an empty ring, and everything READY in it.
void FrontEnd::repair_ready_head(std::vector<Ticket>& living, const std::vector<bool>& seen) {
  region_.header().ready_head.store(ready_tail_, std::memory_order_release);
  for (std::uint32_t i = 0; i < entries_.size(); ++i) {
    if (!seen[i] && is_ready(i)) {
      living.push_back({i, entries_[i].generation});
    }
  }
}

/// Lowest index first: the same few servers stay warm. Servers are numbered so that neighbours are
/// in different processes. False: none sleeps.
bool FrontEnd::wake_idle_server() {
  for (std::size_t i = 0; i < responding_.size(); ++i) {
    std::atomic<std::uint64_t>& idle = region_.header().idle[i];
    std::uint64_t bits = idle.load(std::memory_order_seq_cst);
    while (bits != 0) {
      const std::uint64_t bit = bits & (~bits + 1);
      if ((idle.fetch_and(~bit, std::memory_order_seq_cst) & bit) != 0) {
        wake_server(static_cast<std::uint32_t>(i * 64) +
                    static_cast<std::uint32_t>(std::countr_zero(bit)));
        return true;
      }
      bits &= ~bit;
    }
  }
  return false;
}

void FrontEnd::wake_server(std::uint32_t server) {
  if (server >= region_.geometry().servers) {
    return;  // a worker wrote nonsense into the mask
  }
  std::atomic<std::uint32_t>& asleep = region_.server(server).asleep;
  asleep.store(0, std::memory_order_release);
  futex_wake_one(asleep);
}

// Responses, up.

FrontEnd::Read FrontEnd::read_record(std::uint32_t server, std::uint64_t position,
                                     std::uint64_t tail, Record& record,
                                     std::uint64_t& next) const {
  const std::uint64_t ring_bytes = region_.geometry().response_ring_bytes;
  const std::uint64_t available = tail - position;
  if (available == 0) {
    return Read::kEmpty;
  }
  const std::uint64_t at = position & (ring_bytes - 1);
  const std::uint64_t to_end = ring_bytes - at;
  if (available > ring_bytes || available % kRecordAlign != 0) {
    return Read::kCorrupt;
  }
  const std::byte* start = region_.response_ring(server) + at;
  RecordHeader header{};
  std::memcpy(&header, start, std::min<std::uint64_t>(sizeof(header), to_end));
  if (header.type == RecordType::kPad) {
    record.type = RecordType::kPad;
    next = position + to_end;
    return to_end <= available ? Read::kRecord : Read::kCorrupt;
  }
  const std::uint64_t whole = (sizeof(header) + std::uint64_t{header.bytes} + kRecordAlign - 1) /
                              kRecordAlign * kRecordAlign;
  if (whole > available || whole > to_end || header.bytes > kRecordMax ||
      header.type > RecordType::kNothing || !ours(header.ticket)) {
    return Read::kCorrupt;
  }
  const SlotWord claimed{header.ticket.generation, SlotState::kClaimed,
                         static_cast<std::uint16_t>(server)};
  if (region_.slot(header.ticket.slot).word.load(std::memory_order_relaxed) != claimed.pack()) {
    return Read::kCorrupt;
  }
  record = {header.ticket,
            header.type,
            header.flags,
            header.at_ns,
            {start + sizeof(header), header.bytes}};
  next = position + whole;
  return Read::kRecord;
}

void FrontEnd::give_room(std::uint32_t server, std::uint64_t head) {
  Server& s = region_.server(server);
  // seq_cst pairs with a server that announces that it wants room and looks once more.
  s.head.store(head, std::memory_order_seq_cst);
  if (s.wants_room.load(std::memory_order_seq_cst) != 0) {
    s.wants_room.store(0, std::memory_order_release);
    futex_wake_one(s.wants_room);
  }
}

// Sleep.

bool FrontEnd::announce_sleep() {
  Header& header = region_.header();
  header.front_asleep.store(1, std::memory_order_seq_cst);
  crash_point("front.sleep_announced");
  for (std::size_t i = 0; i < responding_.size(); ++i) {
    if (header.responding[i].load(std::memory_order_seq_cst) != 0) {
      awake();
      return false;
    }
  }
  return true;
}

void FrontEnd::awake() { region_.header().front_asleep.store(0, std::memory_order_relaxed); }

void FrontEnd::close() {
  Header& header = region_.header();
  header.closing.store(1, std::memory_order_seq_cst);
  for (std::size_t i = 0; i < responding_.size(); ++i) {
    // As in publish(): a server that announces itself after this sees that the channel is closing,
    // one that did before is asleep for us to wake.
    header.idle[i].exchange(0, std::memory_order_seq_cst);
  }
  for (std::uint32_t i = 0; i < region_.geometry().servers; ++i) {
    wake_server(i);
  }
}

// Death.

std::vector<Ticket> FrontEnd::owned_by(std::uint32_t server) const {
  std::vector<Ticket> owned;
  for (std::uint32_t i = 0; i < entries_.size(); ++i) {
    const Ticket ticket{i, entries_[i].generation};
    if (!entries_[i].busy) {
      continue;
    }
    const std::optional<Claim> claim = claim_of(ticket);
    if (claim && claim->server == server) {
      owned.push_back(ticket);
    }
  }
  return owned;
}

void FrontEnd::forget(std::uint32_t server) {
  Server& s = region_.server(server);
  const std::uint64_t bit = std::uint64_t{1} << (server % 64);
  region_.header().idle[server / 64].fetch_and(~bit, std::memory_order_seq_cst);
  responding_[server / 64] &= ~bit;
  corrupt_[server] = false;
  s.asleep.store(0, std::memory_order_relaxed);
  s.wants_room.store(0, std::memory_order_relaxed);
  s.tail.store(heads_[server], std::memory_order_relaxed);
  s.head.store(heads_[server], std::memory_order_release);
}

void FrontEnd::rehint() {
  for (std::uint32_t i = 0; i < entries_.size(); ++i) {
    if (is_ready(i)) {
      push_hint({i, entries_[i].generation});
      wake_idle_server();
    }
  }
}

}  // namespace forebay::channel
