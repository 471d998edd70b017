#include "front/body.h"

#include <algorithm>
#include <cstring>

namespace forebay::front {
namespace {

constexpr std::size_t kFirstGrowth = 1024;  // of a body whose length is not known

}  // namespace

void Body::expect(std::uint64_t expected, std::size_t memory_max, const std::string& directory,
                  Budget& budget) {
  share_ = Budget::Share(budget);
  expected_ = expected;
  memory_max_ = memory_max;
  directory_ = &directory;
}

Result<std::span<char>> Body::room() {
  if (used_ == capacity_ && capacity_ < memory_max_) {
    grow();
  } else if (used_ == capacity_) {
    if (Result<void> moved = flush(); !moved) {
      return std::unexpected(moved.error());
    }
  }
  const std::size_t room = capacity_ - used_;
  return std::span(memory_.get() + used_,
                   expected_ == 0 ? room : std::min<std::uint64_t>(room, expected_ - size()));
}

/// To what is expected at once, else twofold.
void Body::grow() {
  const std::uint64_t wanted = expected_ != 0 ? expected_ : std::max(kFirstGrowth, 2 * capacity_);
  capacity_ = std::min<std::uint64_t>(wanted, memory_max_);
  auto memory = std::make_unique_for_overwrite<char[]>(capacity_);
  std::copy_n(memory_.get(), used_, memory.get());
  memory_ = std::move(memory);
}

Result<void> Body::filled(std::size_t bytes) {
  if (!share_.take(bytes)) {
    return fail("too many bytes of bodies are held at once (--max-queue-bytes)");
  }
  used_ += bytes;
  return {};
}

Result<void> Body::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const Result<std::span<char>> room = this->room();
    if (!room) {
      return std::unexpected(room.error());
    }
    const std::size_t copied = bytes.copy(room->data(), room->size());
    bytes.remove_prefix(copied);
    if (Result<void> kept = filled(copied); !kept) {
      return kept;
    }
  }
  return {};
}

Result<void> Body::complete() {
  if (!file_) {
    return {};
  }
  Result<void> moved = flush();
  memory_.reset();
  return moved;
}

Result<void> Body::flush() {
  if (!file_) {
    Result<SpoolFile> file = SpoolFile::create(*directory_);
    if (!file) {
      return std::unexpected(file.error());
    }
    file_.emplace(std::move(*file));
  }
  Result<void> moved = file_->append(memory());
  used_ = 0;
  return moved;
}

}  // namespace forebay::front
