#include "channel/server_end.h"

#include <sched.h>
#include <unistd.h>

#include <cstring>

#include "base/check.h"
#include "base/clock.h"
#include "base/crash_point.h"
#include "channel/futex.h"

namespace forebay::channel {
namespace {

Server& checked_server(const Region& region, std::uint32_t server) {
  CHECK(server < region.geometry().servers);
  return region.server(server);
}

}  // namespace

ServerEnd::ServerEnd(const Region& region, std::uint32_t server, int wake_fd)
    : region_(region),
      shared_(checked_server(region, server)),
      ring_(region.response_ring(server)),
      ring_bytes_(region.geometry().response_ring_bytes),
      tail_(shared_.tail.load(std::memory_order_relaxed)),
      server_(server),
      wake_fd_(wake_fd) {}

// Requests.

bool ServerEnd::ready() const {
  const Header& header = region_.header();
  return header.ready_head.load(std::memory_order_relaxed) !=
         header.ready_tail.load(std::memory_order_seq_cst);
}

bool ServerEnd::closing() const {
  return region_.header().closing.load(std::memory_order_acquire) != 0;
}

void ServerEnd::wait_ready() {
  if (ready()) {
    return;
  }
  // The front is about to give out more: let it, and batches form by themselves.
  ::sched_yield();
  if (ready()) {
    return;
  }
  std::atomic<std::uint64_t>& idle = region_.header().idle[server_ / 64];
  const std::uint64_t bit = std::uint64_t{1} << (server_ % 64);
  shared_.asleep.store(1, std::memory_order_relaxed);
  // seq_cst pairs with the front, which stores the tail and then looks at the mask.
  idle.fetch_or(bit, std::memory_order_seq_cst);
  crash_point("server.sleep_announced");
  if (!ready() && !closing()) {
    futex_wait(shared_.asleep, 1);
    crash_point("server.woken");
  }
  idle.fetch_and(~bit, std::memory_order_seq_cst);
  shared_.asleep.store(0, std::memory_order_relaxed);
}

std::optional<Claimed> ServerEnd::claim() {
  Header& header = region_.header();
  // Acquire, here and when the CAS fails: who moved the head here had seen a tail beyond it, so we
  // see no older one. With an older tail than head, the CAS below could push the head past the
  // tail.
  std::uint64_t head = header.ready_head.load(std::memory_order_acquire);
  while (head != header.ready_tail.load(std::memory_order_acquire)) {
    const Ticket ticket = Ticket::unpack(region_.hint(head).load(std::memory_order_relaxed));
    crash_point("server.hint_read");
    // acq_rel: the hint was read before the head moves; if it was overwritten, the CAS fails.
    if (!header.ready_head.compare_exchange_weak(head, head + 1, std::memory_order_acq_rel,
                                                 std::memory_order_acquire)) {
      continue;
    }
    ++head;
    crash_point("server.hint_taken");
    Slot& slot = region_.slot(ticket.slot);
    std::uint64_t expected = SlotWord{ticket.generation, SlotState::kReady, 0}.pack();
    const SlotWord mine{ticket.generation, SlotState::kClaimed,
                        static_cast<std::uint16_t>(server_)};
    if (!slot.word.compare_exchange_strong(expected, mine.pack(), std::memory_order_acq_rel)) {
      continue;  // a stale hint: cancelled meanwhile
    }
    crash_point("server.slot_claimed");
    const std::int64_t now = to_ns(Clock::now());
    slot.claimed_at_ns.store(now, std::memory_order_relaxed);
    const std::span<const std::byte> payload =
        region_.at(slot.payload_offset, std::uint64_t{slot.head_bytes} + slot.body_bytes);
    return Claimed{ticket, payload.first(slot.head_bytes), payload.subspan(slot.head_bytes),
                   slot.file_bytes, now};
  }
  return std::nullopt;
}

bool is_unwanted(const Region& region, std::uint32_t server, Ticket ticket) {
  const Slot& slot = region.slot(ticket.slot);
  const SlotWord claimed{ticket.generation, SlotState::kClaimed,
                         static_cast<std::uint16_t>(server)};
  // Acquire, and the word last: if the slot is still ours then, so was what we read before.
  return slot.client_left.load(std::memory_order_acquire) != 0 ||
         slot.word.load(std::memory_order_acquire) != claimed.pack();
}

// Responses.

std::uint64_t ServerEnd::free_bytes() const {
  // Acquire: the front has read what it gives back.
  return ring_bytes_ - (tail_ - shared_.head.load(std::memory_order_seq_cst));
}

bool ServerEnd::try_write(Ticket ticket, RecordType type, std::uint8_t flags,
                          std::initializer_list<std::span<const std::byte>> parts) {
  std::uint64_t bytes = 0;
  for (const auto& part : parts) {
    bytes += part.size();
  }
  CHECK(bytes <= kRecordMax);
  const std::uint64_t whole =
      (sizeof(RecordHeader) + bytes + kRecordAlign - 1) / kRecordAlign * kRecordAlign;
  std::uint64_t at = tail_ & (ring_bytes_ - 1);
  const std::uint64_t to_end = ring_bytes_ - at;
  const std::uint64_t pad = whole > to_end ? to_end : 0;
  if (free_bytes() < pad + whole) {
    return false;
  }
  if (pad != 0) {
    const std::uint64_t pad_header = std::uint64_t(RecordType::kPad) << 32;
    std::memcpy(ring_ + at, &pad_header, sizeof(pad_header));
    at = 0;
  }
  const std::int64_t at_ns = (flags & kDone) != 0 ? to_ns(Clock::now()) : 0;
  const RecordHeader header{static_cast<std::uint32_t>(bytes), type, flags, 0, ticket, at_ns};
  std::memcpy(ring_ + at, &header, sizeof(header));
  at += sizeof(header);
  for (const auto& part : parts) {
    if (!part.empty()) {
      std::memcpy(ring_ + at, part.data(), part.size());
      at += part.size();
    }
  }
  crash_point("server.record_written");
  commit(tail_ + pad + whole);
  return true;
}

void ServerEnd::commit(std::uint64_t tail) {
  tail_ = tail;
  shared_.tail.store(tail, std::memory_order_release);
  crash_point("server.record_committed");
  Header& header = region_.header();
  std::atomic<std::uint64_t>& responding = header.responding[server_ / 64];
  const std::uint64_t bit = std::uint64_t{1} << (server_ % 64);
  // seq_cst: the tail is visible before we look whether the front has taken the bit away or sleeps.
  // A read-modify-write instead of a fence, since ThreadSanitizer does not know fences.
  responding.fetch_or(bit, std::memory_order_seq_cst);
  crash_point("server.record_announced");
  if (header.front_asleep.load(std::memory_order_seq_cst) != 0 &&
      header.front_asleep.exchange(0, std::memory_order_seq_cst) != 0) {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t ignored = ::write(wake_fd_, &one, sizeof(one));
    crash_point("server.front_woken");
  }
}

void ServerEnd::wait_room() {
  // seq_cst pairs with the front, which stores the head and then looks at this word.
  shared_.wants_room.store(1, std::memory_order_seq_cst);
  crash_point("server.room_wanted");
  if (free_bytes() < ring_bytes_ / 2) {
    futex_wait(shared_.wants_room, 1);
  }
  shared_.wants_room.store(0, std::memory_order_relaxed);
}

}  // namespace forebay::channel
