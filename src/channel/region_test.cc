#include "channel/region.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include <gtest/gtest.h>

#include "channel/server_end.h"
#include "channel/test_support.h"

namespace forebay::channel {
namespace {

/// A memfd that nothing has sealed yet, with the bytes of a real region.
Fd copy_of(const Region& region, std::uint64_t bytes) {
  Fd copy(::memfd_create("copy", MFD_CLOEXEC));
  CHECK(::ftruncate(copy.get(), static_cast<off_t>(bytes)) == 0);
  const std::uint64_t header = std::min<std::uint64_t>(sizeof(Header), bytes);
  CHECK(::pwrite(copy.get(), &region.header(), header, 0) == static_cast<ssize_t>(header));
  return copy;
}

template <typename T>
void overwrite(const Fd& file, std::size_t offset, T value) {
  CHECK(::pwrite(file.get(), &value, sizeof(value), static_cast<off_t>(offset)) == sizeof(value));
}

class RegionFrom : public testing::TestWithParam<std::uint64_t> {
 protected:
  Geometry geometry_ = small_geometry(GetParam(), 3);
  Region region_ = Region::create(geometry_).value();
};
INSTANTIATE_TEST_SUITE_P(Counts, RegionFrom, testing::ValuesIn(kFirstCounts));

TEST_P(RegionFrom, IsTheSameMemoryForWhoAttaches) {
  const Region other = Region::attach(region_.memfd()).value();
  EXPECT_EQ(other.geometry().servers, 3U);
  EXPECT_EQ(other.geometry().slots, geometry_.slots);
  EXPECT_EQ(other.geometry().region_bytes(), geometry_.region_bytes());
  for (std::uint32_t i = 0; i < 3; ++i) {
    region_.server(i).asleep.store(i + 1);
    EXPECT_EQ(other.server(i).asleep.load(), i + 1);
    region_.response_ring(i)[0] = std::byte(i + 1);
    EXPECT_EQ(other.response_ring(i)[0], std::byte(i + 1));
  }
  for (std::uint32_t i = 0; i < geometry_.slots; ++i) {
    EXPECT_EQ(other.inline_offset(i), region_.inline_offset(i));
    EXPECT_EQ(SlotWord::unpack(other.slot(i).word).state, SlotState::kFree);
    EXPECT_EQ(SlotWord::unpack(other.slot(i).word).generation,
              static_cast<std::uint32_t>(GetParam()));
  }
}

TEST_P(RegionFrom, HasPartsThatDoNotOverlapAndFillIt) {
  const auto* base = reinterpret_cast<std::byte*>(&region_.header());
  const auto offset = [base](const auto& part) {
    return static_cast<std::uint64_t>(reinterpret_cast<const std::byte*>(&part) - base);
  };
  std::uint64_t end = sizeof(Header);
  for (std::uint64_t i = 0; i < geometry_.ready_capacity; ++i) {
    EXPECT_EQ(offset(region_.hint(i)), end);
    EXPECT_EQ(&region_.hint(i), &region_.hint(i + geometry_.ready_capacity));
    end += sizeof(std::uint64_t);
  }
  for (std::uint32_t i = 0; i < geometry_.slots; ++i) {
    EXPECT_EQ(offset(region_.slot(i)), end);
    end += sizeof(Slot);
  }
  for (std::uint32_t i = 0; i < geometry_.servers; ++i) {
    EXPECT_EQ(offset(region_.server(i)), end);
    end += sizeof(Server);
  }
  for (std::uint32_t i = 0; i < geometry_.servers; ++i) {
    const std::uint64_t ring = offset(*region_.response_ring(i));
    EXPECT_GE(ring, end);
    EXPECT_EQ(ring % 4096, 0U);
    end = ring + geometry_.response_ring_bytes;
  }
  for (std::uint32_t i = 0; i < geometry_.arena_pages; ++i) {
    EXPECT_EQ(region_.arena_offset(i), end);
    end += kArenaPageBytes;
  }
  EXPECT_EQ(end, geometry_.region_bytes());
}

TEST_P(RegionFrom, CannotBeResized) {
  EXPECT_NE(::ftruncate(region_.memfd(), 4096), 0);
  EXPECT_NE(::ftruncate(region_.memfd(), 1 << 30), 0);
}

TEST_P(RegionFrom, MovesWithItsMapping) {
  const Header* header = &region_.header();
  Region moved = std::move(region_);
  EXPECT_EQ(&moved.header(), header);
  region_ = Region::create(geometry_).value();
  EXPECT_NE(&region_.header(), header);
  std::swap(region_, moved);
  EXPECT_EQ(&region_.header(), header);
}

TEST(Region, RefusesWhatIsNoRegion) {
  const Fd empty(::memfd_create("empty", MFD_CLOEXEC));
  const Fd zeros(::memfd_create("zeros", MFD_CLOEXEC));
  ASSERT_EQ(::ftruncate(zeros.get(), 1 << 20), 0);
  for (const int fd : {-1, empty.get(), zeros.get()}) {
    const Result<Region> attached = Region::attach(fd);
    ASSERT_FALSE(attached);
    EXPECT_NE(attached.error().message.find("not a forebay channel"), std::string::npos)
        << attached.error().message;
  }
}

TEST(Region, RefusesAnotherAbiAndSaysBothNumbers) {
  const Region region = Region::create(small_geometry(0)).value();
  const Fd foreign = copy_of(region, region.geometry().region_bytes());
  ASSERT_TRUE(Region::attach(foreign.get()));
  overwrite(foreign, offsetof(Header, abi), std::uint32_t{4711});
  const Result<Region> attached = Region::attach(foreign.get());
  ASSERT_FALSE(attached);
  EXPECT_NE(attached.error().message.find("version 4711"), std::string::npos);
  EXPECT_NE(attached.error().message.find(std::to_string(kAbi)), std::string::npos);
}

TEST(Region, RefusesAWrongSizeWithoutBlamingTheAbi) {
  const Region region = Region::create(small_geometry(0)).value();
  const std::uint64_t bytes = region.geometry().region_bytes();
  for (const std::uint64_t wrong : {bytes - 4096, bytes + 4096, std::uint64_t{sizeof(Header)}}) {
    const Result<Region> attached = Region::attach(copy_of(region, wrong).get());
    ASSERT_FALSE(attached) << wrong;
    EXPECT_EQ(attached.error().message.find("channel version"), std::string::npos)
        << attached.error().message;
  }
}

TEST(Region, RefusesSizesThatNoFrontWouldChoose) {
  const Region region = Region::create(small_geometry(0)).value();
  struct Nonsense {
    std::size_t offset;
    std::uint32_t value;
  };
  for (const Nonsense& nonsense :
       {Nonsense{offsetof(Header, servers), 0}, Nonsense{offsetof(Header, servers), ~0U},
        Nonsense{offsetof(Header, slots), 0}, Nonsense{offsetof(Header, slots), ~0U},
        Nonsense{offsetof(Header, ready_capacity), 0},
        Nonsense{offsetof(Header, ready_capacity), 9},
        Nonsense{offsetof(Header, response_ring_bytes), 0},
        Nonsense{offsetof(Header, response_ring_bytes), kResponseRingMin + 4096},
        Nonsense{offsetof(Header, arena_pages), ~0U}, Nonsense{offsetof(Header, magic), 1}}) {
    const Fd foreign = copy_of(region, region.geometry().region_bytes());
    overwrite(foreign, nonsense.offset, nonsense.value);
    EXPECT_FALSE(Region::attach(foreign.get())) << nonsense.offset << " " << nonsense.value;
  }
}

TEST(Region, EndsTheProcessRatherThanLeaveItself) {
  const Region region = Region::create(small_geometry(0)).value();
  const std::uint64_t bytes = region.geometry().region_bytes();
  EXPECT_EQ(region.at(bytes, 0).size(), 0U);
  EXPECT_EQ(region.at(0, bytes).size(), bytes);
  EXPECT_DEATH((void)region.at(bytes, 1), "CHECK failed");
  EXPECT_DEATH((void)region.at(1, bytes), "CHECK failed");
  EXPECT_DEATH((void)region.at(8, ~std::uint64_t{0}), "CHECK failed");
}

TEST(Region, HasNoServerBeyondItsLast) {
  const Region region = Region::create(small_geometry(0)).value();
  EXPECT_DEATH(ServerEnd(region, 1, -1), "CHECK failed");
  EXPECT_DEATH(ServerEnd(region, 1U << 30, -1), "CHECK failed");
}

TEST(Geometry, FitsEveryNumberOfServers) {
  for (std::uint32_t servers = 1; servers <= kMaxServers; servers *= 2) {
    for (const std::uint32_t top_up : {1U, 8U}) {
      const Geometry geometry = Geometry::for_servers(servers, top_up);
      EXPECT_EQ(geometry.slots, servers * (1 + top_up));
      EXPECT_GE(std::uint64_t{geometry.arena_pages} * kArenaPageBytes,
                kArenaBodyMax + kArenaPageBytes);
      const Result<Region> region = Region::create(geometry);
      ASSERT_TRUE(region) << region.error().message;
      EXPECT_TRUE(Region::attach(region->memfd()));
    }
  }
}

}  // namespace
}  // namespace forebay::channel
