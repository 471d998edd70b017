#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

/// The shared-memory contract between the front and the workers of one generation: one sealed
/// memfd region, offsets only, never pointers.
///
///   +--------+---------------+-------+--------+------------------+-------+
///   | Header | ready hints[] | Slot[]| Server[]| response ring[] | arena |
///   +--------+---------------+-------+--------+------------------+-------+
///        requests go down: slot, hint          responses come up: one ring per server
///
/// Slot words hold the truth, rings hold hints. A slot's word goes
///
///        FREE --front--> READY --worker's CAS--> CLAIMED(owner) --front--> FREE, generation + 1
///                          \----front's CAS (cancel)----> FREE, generation + 1
///
/// and nothing else exists. Workers never allocate, free or link anything.
namespace forebay::channel {

inline constexpr std::uint64_t kMagic = 0x0079'6162'6572'6f46;  // "Forebay", little endian
inline constexpr std::uint32_t kAbi = 2;

inline constexpr std::uint32_t kMaxServers = 1024;
inline constexpr std::uint32_t kServerWords = kMaxServers / 64;
/// Head and body of an ordinary request: a 16 KiB body and 4 KiB of head.
inline constexpr std::uint32_t kInlineBytes = 20 * 1024;
/// Bodies up to this travel through the arena, longer ones as a file descriptor.
inline constexpr std::uint64_t kArenaBodyMax = 1024 * 1024;
inline constexpr std::uint64_t kHeadMax = 512 * 1024;
inline constexpr std::uint32_t kArenaPageBytes = 64 * 1024;
/// Payload of one response record, at most: with its header and a pad before it, it takes no more
/// than half of the smallest ring.
inline constexpr std::uint32_t kRecordMax = 32 * 1024 - 64;
inline constexpr std::uint32_t kResponseRingMin = 128 * 1024;

enum class SlotState : std::uint16_t { kFree = 0, kReady = 1, kClaimed = 2 };

/// {generation:32, state:16, owner:16}
struct SlotWord {
  std::uint32_t generation = 0;
  SlotState state = SlotState::kFree;
  std::uint16_t owner = 0;

  [[nodiscard]] constexpr std::uint64_t pack() const {
    return std::uint64_t{generation} << 32 | std::uint64_t(state) << 16 | owner;
  }
  [[nodiscard]] static constexpr SlotWord unpack(std::uint64_t word) {
    return {static_cast<std::uint32_t>(word >> 32),
            static_cast<SlotState>(static_cast<std::uint16_t>(word >> 16)),
            static_cast<std::uint16_t>(word)};
  }
};

/// Names one use of a slot. A ticket of an earlier use fails every compare.
struct Ticket {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;

  [[nodiscard]] constexpr std::uint64_t pack() const {
    return std::uint64_t{generation} << 32 | slot;
  }
  [[nodiscard]] static constexpr Ticket unpack(std::uint64_t hint) {
    return {static_cast<std::uint32_t>(hint), static_cast<std::uint32_t>(hint >> 32)};
  }
  bool operator==(const Ticket&) const = default;
};

struct alignas(64) Header {
  std::uint64_t magic;
  std::uint32_t abi;
  std::uint32_t servers;
  std::uint32_t slots;
  std::uint32_t ready_capacity;       // a power of two
  std::uint32_t response_ring_bytes;  // a power of two, a multiple of the page size
  std::uint32_t arena_pages;
  std::uint64_t region_bytes;

  /// Ready ring: the front produces, workers and the front consume. 64 bits, so that they never
  /// wrap.
  alignas(64) std::atomic<std::uint64_t> ready_head;
  alignas(64) std::atomic<std::uint64_t> ready_tail;
  /// The front has announced that it sleeps: who commits a record then writes the eventfd.
  alignas(64) std::atomic<std::uint32_t> front_asleep;
  /// No more requests will come: a worker that finds nothing ready leaves.
  std::atomic<std::uint32_t> closing;
  /// Bit per server: it has announced that it sleeps.
  alignas(64) std::atomic<std::uint64_t> idle[kServerWords];
  /// Bit per server: its response ring has records that the front has not looked at.
  alignas(64) std::atomic<std::uint64_t> responding[kServerWords];
};

struct alignas(64) Slot {
  std::atomic<std::uint64_t> word;
  std::atomic<std::int64_t> claimed_at_ns;  // CLOCK_MONOTONIC; 0 until the claim
  std::uint64_t payload_offset;             // head, then the body unless it is in a file
  std::uint32_t head_bytes;
  std::uint32_t body_bytes;
  std::uint64_t file_bytes;  // length of a body that is to be fetched as a file; 0 = none
  /// 1: the client of a CLAIMED request has left. The front writes, workers read; a hint.
  std::atomic<std::uint32_t> client_left;
  alignas(64) std::byte payload[kInlineBytes];
};

struct Server {
  /// Response ring: bytes ever written and ever consumed. Single producer, single consumer.
  alignas(64) std::atomic<std::uint64_t> tail;
  alignas(64) std::atomic<std::uint64_t> head;
  /// Futex words, 1 while the server waits: for a request, for room in its ring.
  alignas(64) std::atomic<std::uint32_t> asleep;
  std::atomic<std::uint32_t> wants_room;
};

enum class RecordType : std::uint8_t {
  kPad = 0,       // nothing more until the end of the ring
  kResponse = 1,  // {u32 head_bytes}{head}{first bytes of the body}
  kBody = 2,      // bytes of the body
  kFile = 3,      // {u64 offset}{u64 length}: the file came by the worker's control socket
  kNothing = 4,   // only flags
};

enum RecordFlags : std::uint8_t {
  kEnd = 1,    // the response is complete
  kAbort = 2,  // the response will never be complete: close without a clean end
  kDone = 4,   // the server is free again
};

/// Records are aligned to 8 bytes and never straddle the end of the ring. Of a pad only the first
/// eight bytes exist.
struct RecordHeader {
  std::uint32_t bytes = 0;  // of the payload that follows
  RecordType type = RecordType::kPad;
  std::uint8_t flags = 0;
  std::uint16_t reserved = 0;
  Ticket ticket;
  std::int64_t at_ns = 0;  // CLOCK_MONOTONIC of the commit where kDone is set, else 0
};
static_assert(sizeof(RecordHeader) == 24);
inline constexpr std::uint32_t kRecordAlign = 8;

static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

}  // namespace forebay::channel
