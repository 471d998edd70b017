#include "channel/region.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <memory>

#include "base/check.h"

namespace forebay::channel {
namespace {

constexpr std::uint64_t kPage = 4096;

constexpr std::uint64_t page_up(std::uint64_t bytes) { return (bytes + kPage - 1) / kPage * kPage; }

std::uint64_t hints_offset() { return sizeof(Header); }
std::uint64_t slots_offset(const Geometry& g) {
  return hints_offset() + g.ready_capacity * sizeof(std::uint64_t);
}
std::uint64_t servers_offset(const Geometry& g) {
  return slots_offset(g) + std::uint64_t{g.slots} * sizeof(Slot);
}
std::uint64_t rings_offset(const Geometry& g) {
  return page_up(servers_offset(g) + std::uint64_t{g.servers} * sizeof(Server));
}
std::uint64_t arena_start(const Geometry& g) {
  return rings_offset(g) + std::uint64_t{g.servers} * g.response_ring_bytes;
}

bool valid(const Geometry& g) {
  return g.servers >= 1 && g.servers <= kMaxServers && g.slots >= 1 &&
         std::has_single_bit(g.ready_capacity) && g.ready_capacity >= 8 &&
         g.ready_capacity > g.slots && std::has_single_bit(g.response_ring_bytes) &&
         g.response_ring_bytes >= kResponseRingMin && g.response_ring_bytes % kPage == 0;
}

std::unexpected<Error> fail_no_channel(int memfd) {
  return fail("file descriptor " + std::to_string(memfd) + " is not a forebay channel");
}

}  // namespace

Geometry Geometry::for_servers(std::uint32_t servers, std::uint32_t top_up) {
  Geometry g;
  g.servers = servers;
  g.slots = servers * (1 + top_up);
  // Hints of cancelled requests stay in the ring until a server meets them: leave room for many.
  g.ready_capacity = std::bit_ceil(std::max(g.slots * 4, 64U));
  // 16 MiB of rings in all, and each big enough to keep a large response flowing.
  g.response_ring_bytes =
      std::clamp(std::bit_floor(16U * 1024 * 1024 / servers), kResponseRingMin, 256U * 1024);
  g.arena_pages = std::clamp(servers * 17, 68U, 4096U);
  return g;
}

std::uint64_t Geometry::region_bytes() const {
  return arena_start(*this) + std::uint64_t{arena_pages} * kArenaPageBytes;
}

Region::Region(Fd memfd, std::byte* base, const Geometry& geometry)
    : memfd_(std::move(memfd)), base_(base), geometry_(geometry) {}

Region::Region(Region&& other) noexcept
    : memfd_(std::move(other.memfd_)),
      base_(std::exchange(other.base_, nullptr)),
      geometry_(other.geometry_) {}

Region& Region::operator=(Region&& other) noexcept {
  std::swap(memfd_, other.memfd_);
  std::swap(base_, other.base_);
  std::swap(geometry_, other.geometry_);
  return *this;
}

Region::~Region() {
  if (base_ != nullptr) {
    ::munmap(base_, geometry_.region_bytes());
  }
}

Result<std::byte*> Region::map(int memfd, std::uint64_t bytes) {
  void* base = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
  if (base == MAP_FAILED) {
    return fail_errno("map " + std::to_string(bytes) + " bytes of shared memory");
  }
  return static_cast<std::byte*>(base);
}

Result<Region> Region::create(const Geometry& geometry) {
  CHECK(valid(geometry));
  Fd memfd(::memfd_create("forebay-channel", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memfd) {
    return fail_errno("create the shared memory for the workers (memfd_create)");
  }
  const std::uint64_t bytes = geometry.region_bytes();
  if (::ftruncate(memfd.get(), static_cast<off_t>(bytes)) != 0) {
    return fail_errno("size the shared memory for the workers to " + std::to_string(bytes) +
                      " bytes");
  }
  if (::fcntl(memfd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    return fail_errno("seal the shared memory for the workers");
  }
  Result<std::byte*> base = map(memfd.get(), bytes);
  if (!base) {
    return std::unexpected(base.error());
  }
  Region region(std::move(memfd), *base, geometry);
  region.initialise();
  return region;
}

void Region::initialise() const {
  Header& h = header();
  h.abi = kAbi;
  h.servers = geometry_.servers;
  h.slots = geometry_.slots;
  h.ready_capacity = geometry_.ready_capacity;
  h.response_ring_bytes = geometry_.response_ring_bytes;
  h.arena_pages = geometry_.arena_pages;
  h.region_bytes = geometry_.region_bytes();
  h.ready_head = geometry_.first_count;
  h.ready_tail = geometry_.first_count;
  const SlotWord first{static_cast<std::uint32_t>(geometry_.first_count), SlotState::kFree, 0};
  for (std::uint32_t i = 0; i < geometry_.slots; ++i) {
    slot(i).word = first.pack();
  }
  // Positions in a response ring count bytes, in steps of the records' alignment.
  const std::uint64_t first_byte = geometry_.first_count / kRecordAlign * kRecordAlign;
  for (std::uint32_t i = 0; i < geometry_.servers; ++i) {
    server(i).head = first_byte;
    server(i).tail = first_byte;
  }
  h.magic = kMagic;
}

Result<Region> Region::attach(int memfd) {
  struct stat info{};
  if (::fstat(memfd, &info) != 0 || info.st_size < static_cast<off_t>(sizeof(Header))) {
    return fail_no_channel(memfd);
  }
  const auto bytes = static_cast<std::uint64_t>(info.st_size);
  Result<std::byte*> base = map(memfd, bytes);
  if (!base) {
    return std::unexpected(base.error());
  }
  const Header& h = *reinterpret_cast<Header*>(*base);
  Geometry g;
  g.servers = h.servers;
  g.slots = h.slots;
  g.ready_capacity = h.ready_capacity;
  g.response_ring_bytes = h.response_ring_bytes;
  g.arena_pages = h.arena_pages;
  const bool region = h.magic == kMagic;
  const std::uint32_t abi = h.abi;
  if (!region || abi != kAbi || !valid(g) || g.region_bytes() != bytes) {
    ::munmap(*base, bytes);
    if (!region || abi == kAbi) {
      return fail_no_channel(memfd);
    }
    return fail("the shared memory speaks channel version " + std::to_string(abi) +
                ", this extension " + std::to_string(kAbi) +
                ": front and Python package come from different builds, install them together");
  }
  return Region(Fd(::fcntl(memfd, F_DUPFD_CLOEXEC, 0)), *base, g);
}

std::atomic<std::uint64_t>& Region::hint(std::uint64_t position) const {
  auto* hints = reinterpret_cast<std::atomic<std::uint64_t>*>(base_ + hints_offset());
  return hints[position & (geometry_.ready_capacity - 1)];
}

Slot& Region::slot(std::uint32_t index) const {
  return reinterpret_cast<Slot*>(base_ + slots_offset(geometry_))[index];
}

Server& Region::server(std::uint32_t index) const {
  return reinterpret_cast<Server*>(base_ + servers_offset(geometry_))[index];
}

std::byte* Region::response_ring(std::uint32_t server) const {
  return base_ + rings_offset(geometry_) + std::uint64_t{server} * geometry_.response_ring_bytes;
}

std::uint64_t Region::arena_offset(std::uint32_t page) const {
  return arena_start(geometry_) + std::uint64_t{page} * kArenaPageBytes;
}

std::uint64_t Region::inline_offset(std::uint32_t slot_index) const {
  return static_cast<std::uint64_t>(slot(slot_index).payload - base_);
}

std::span<std::byte> Region::at(std::uint64_t offset, std::uint64_t bytes) const {
  const std::uint64_t size = geometry_.region_bytes();
  CHECK(offset <= size && bytes <= size - offset);
  return {base_ + offset, bytes};
}

}  // namespace forebay::channel
