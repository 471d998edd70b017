#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "front/budget.h"
#include "front/spool_file.h"

namespace forebay::front {

/// The body of a request, collected before the request is queued: in memory while it is small, in
/// an unlinked file from then on.
class Body {
 public:
  /// `expected` bytes if the head said so, else 0. All that comes counts in `budget`.
  void expect(std::uint64_t expected, std::uint64_t memory_max, Budget& budget) {
    share_ = Budget::Share(budget);
    memory_max_ = memory_max;
    memory_.reserve(expected <= memory_max ? expected : 0);
  }
  /// Errors: no room in the budget, no temporary file, disk full.
  Result<void> append(std::string_view bytes, const std::string& directory) {
    if (!share_.take(bytes.size())) {
      return fail("too many bytes of bodies are held at once (--max-queue-bytes)");
    }
    if (memory_.size() + bytes.size() <= memory_max_) {
      memory_.append(bytes);
      return {};
    }
    if (!file_) {
      Result<SpoolFile> file = SpoolFile::create(directory);
      if (!file) {
        return std::unexpected(file.error());
      }
      file_.emplace(std::move(*file));
    }
    if (Result<void> moved = flush(); !moved) {
      return moved;
    }
    if (bytes.size() < memory_max_) {  // chunks may be as small as a byte: not a write for each
      memory_.append(bytes);
      return {};
    }
    return file_->append(bytes);
  }
  /// Nothing more comes: from now on all of it is in memory() or all of it in file(). Errors: as
  /// append().
  Result<void> complete() {
    if (!file_) {
      return {};
    }
    Result<void> moved = flush();
    memory_ = {};
    return moved;
  }

  [[nodiscard]] std::uint64_t size() const { return (file_ ? file_->size() : 0) + memory_.size(); }
  [[nodiscard]] std::string_view memory() const { return memory_; }
  [[nodiscard]] const std::optional<SpoolFile>& file() const { return file_; }

 private:
  Result<void> flush() {
    Result<void> moved = file_->append(memory_);
    memory_.clear();
    return moved;
  }

  Budget::Share share_;
  std::string memory_;
  std::optional<SpoolFile> file_;
  std::uint64_t memory_max_ = 0;
};

}  // namespace forebay::front
