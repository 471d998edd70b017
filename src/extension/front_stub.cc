#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>

#include "channel/front_end.h"

/// The front's end of the channel with a C interface, for tests that play the front from Python.
namespace {

using forebay::channel::FrontEnd;
using forebay::channel::Geometry;
using forebay::channel::kRecordMax;
using forebay::channel::Record;
using forebay::channel::Taken;
using forebay::channel::Ticket;

struct StubRecord {
  std::uint64_t ticket;
  std::uint32_t type;
  std::uint32_t flags;
  std::uint32_t server;
  std::uint32_t bytes;
  std::uint8_t payload[kRecordMax];
};

FrontEnd& front_of(void* front) { return *static_cast<FrontEnd*>(front); }

}  // namespace

#define STUB extern "C" __attribute__((visibility("default")))

STUB void* front_create(std::uint32_t servers, std::uint32_t top_up) {
  auto front = FrontEnd::create(Geometry::for_servers(servers, top_up));
  return front ? std::make_unique<FrontEnd>(std::move(*front)).release() : nullptr;
}

STUB void front_destroy(void* front) { std::unique_ptr<FrontEnd>(&front_of(front)).reset(); }

STUB int front_memfd(void* front) { return front_of(front).memfd(); }

STUB int front_wake_fd(void* front) { return front_of(front).wake_fd(); }

/// The ticket, or -1: no room.
STUB std::uint64_t front_submit(void* front, const void* bytes, std::uint32_t head_bytes,
                                std::uint32_t body_bytes, std::uint64_t file_bytes) {
  const std::uint64_t size = std::uint64_t{head_bytes} + body_bytes;
  const auto draft = front_of(front).reserve(size);
  if (!draft) {
    return ~std::uint64_t{0};
  }
  std::memcpy(draft->payload.data(), bytes, size);
  front_of(front).publish(*draft, head_bytes, file_bytes);
  return draft->ticket.pack();
}

STUB void front_finish(void* front, std::uint64_t ticket) {
  front_of(front).finish(Ticket::unpack(ticket));
}

STUB int front_cancel(void* front, std::uint64_t ticket) {
  return front_of(front).cancel(Ticket::unpack(ticket)) ? 1 : 0;
}

/// 1: a record; 0: none there, and the wake_fd will tell of the next one; -1: a corrupt ring.
STUB int front_next(void* front, StubRecord* out) {
  int result = 0;
  const auto sink = [&](std::uint32_t server, const Record& record) {
    if (result != 0) {
      return Taken::kLater;
    }
    *out = {record.ticket.pack(),
            static_cast<std::uint32_t>(record.type),
            record.flags,
            server,
            static_cast<std::uint32_t>(record.payload.size()),
            {}};
    std::ranges::copy(record.payload, reinterpret_cast<std::byte*>(out->payload));
    result = 1;
    return Taken::kYes;
  };
  const auto corrupt = [&](std::uint32_t) { result = -1; };
  front_of(front).awake();
  do {
    front_of(front).drain(sink, corrupt);
  } while (result == 0 && !front_of(front).announce_sleep());
  return result;
}

STUB void front_close(void* front) { front_of(front).close(); }
