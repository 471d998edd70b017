#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/fd.h"
#include "base/result.h"
#include "channel/layout.h"

namespace forebay::channel {

/// Sizes of a region. Both sides keep their own copy: what stands in the shared header is checked
/// once, at attach, and never read again.
struct Geometry {
  std::uint32_t servers = 1;
  std::uint32_t slots = 9;
  std::uint32_t ready_capacity = 64;
  std::uint32_t response_ring_bytes = 256 * 1024;
  std::uint32_t arena_pages = 64;
  /// Where every counter begins; tests begin just before a wrap.
  std::uint64_t first_count = 0;

  /// The usual sizes: room for `top_up` requests per server beside the one that it runs.
  [[nodiscard]] static Geometry for_servers(std::uint32_t servers, std::uint32_t top_up);
  [[nodiscard]] std::uint64_t region_bytes() const;
};

/// A mapping of the region, with typed access to its parts. Both ends own one.
class Region {
 public:
  /// Makes the memfd, sizes and seals it, and sets every word to its first value.
  static Result<Region> create(const Geometry& geometry);
  /// Maps a region that another process created. Errors: not a region, another ABI.
  static Result<Region> attach(int memfd);

  Region(Region&& other) noexcept;
  Region& operator=(Region&& other) noexcept;
  ~Region();

  [[nodiscard]] int memfd() const { return memfd_.get(); }
  [[nodiscard]] const Geometry& geometry() const { return geometry_; }

  [[nodiscard]] Header& header() const { return *reinterpret_cast<Header*>(base_); }
  [[nodiscard]] std::atomic<std::uint64_t>& hint(std::uint64_t position) const;
  [[nodiscard]] Slot& slot(std::uint32_t index) const;
  [[nodiscard]] Server& server(std::uint32_t index) const;
  [[nodiscard]] std::byte* response_ring(std::uint32_t server) const;
  /// Offset of an arena page from the start of the region.
  [[nodiscard]] std::uint64_t arena_offset(std::uint32_t page) const;
  [[nodiscard]] std::uint64_t inline_offset(std::uint32_t slot) const;
  /// CHECKs that the range lies inside the region.
  [[nodiscard]] std::span<std::byte> at(std::uint64_t offset, std::uint64_t bytes) const;

 private:
  Region(Fd memfd, std::byte* base, const Geometry& geometry);
  static Result<std::byte*> map(int memfd, std::uint64_t bytes);
  void initialise() const;

  Fd memfd_;
  std::byte* base_ = nullptr;
  Geometry geometry_;
};

}  // namespace forebay::channel
