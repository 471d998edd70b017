#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace forebay::front {

/// A file without a name, for what does not fit in memory: it vanishes with its descriptor.
class SpoolFile {
 public:
  /// Errors: the directory is not writable, the disk is full.
  static Result<SpoolFile> create(const std::string& directory);

  /// Appends all of `bytes`. Errors as write(2).
  Result<void> append(std::string_view bytes);
  /// Reads exactly `out.size()` bytes at `offset`.
  Result<void> read(std::uint64_t offset, char* out, std::size_t bytes) const;
  /// A descriptor of its own for reading, at offset 0.
  [[nodiscard]] Result<Fd> reopen() const;

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] std::uint64_t size() const { return size_; }

 private:
  explicit SpoolFile(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
  std::uint64_t size_ = 0;
};

}  // namespace forebay::front
