#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "front/spool_file.h"

namespace forebay::front {

/// The body of a request, collected before the request is queued: in memory while it is small, in
/// an unlinked file from then on.
class Body {
 public:
  /// `expected` bytes if the head said so, else 0.
  void expect(std::uint64_t expected, std::uint64_t memory_max) {
    memory_max_ = memory_max;
    memory_.reserve(expected <= memory_max ? expected : 0);
  }
  /// Errors: no temporary file, disk full.
  Result<void> append(std::string_view bytes, const std::string& directory) {
    if (!file_ && memory_.size() + bytes.size() <= memory_max_) {
      memory_.append(bytes);
      return {};
    }
    if (!file_) {
      Result<SpoolFile> file = SpoolFile::create(directory);
      if (!file) {
        return std::unexpected(file.error());
      }
      file_.emplace(std::move(*file));
      if (Result<void> moved = file_->append(memory_); !moved) {
        return moved;
      }
      memory_ = {};
    }
    return file_->append(bytes);
  }

  [[nodiscard]] std::uint64_t size() const { return file_ ? file_->size() : memory_.size(); }
  /// All of it, while it is in memory.
  [[nodiscard]] std::string_view memory() const { return memory_; }
  /// All of it, once it is not.
  [[nodiscard]] const std::optional<SpoolFile>& file() const { return file_; }

 private:
  std::string memory_;
  std::optional<SpoolFile> file_;
  std::uint64_t memory_max_ = 0;
};

}  // namespace forebay::front
