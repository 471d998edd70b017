#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
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
  /// `expected` bytes if the head said so, else 0. All that comes counts in `budget`. What is more
  /// than `memory_max` goes to a file in `directory`, which outlives this.
  void expect(std::uint64_t expected, std::size_t memory_max, const std::string& directory,
              Budget& budget);
  /// Where the next bytes may be put, never empty while more are expected: then filled() says how
  /// many were. Errors: no temporary file, disk full.
  [[nodiscard]] Result<std::span<char>> room();
  /// Errors: no room in the budget.
  Result<void> filled(std::size_t bytes);
  /// Copies `bytes`. Errors: as both.
  Result<void> append(std::string_view bytes);
  /// Nothing more comes: from now on all of it is in memory() or all of it in file(). Errors: as
  /// room().
  Result<void> complete();

  [[nodiscard]] std::uint64_t size() const { return (file_ ? file_->size() : 0) + used_; }
  [[nodiscard]] std::string_view memory() const { return {memory_.get(), used_}; }
  [[nodiscard]] const std::optional<SpoolFile>& file() const { return file_; }

 private:
  /// Moves what is in memory to the file.
  Result<void> flush();
  void grow();

  Budget::Share share_;
  std::unique_ptr<char[]> memory_;
  std::size_t used_ = 0;
  std::size_t capacity_ = 0;
  std::optional<SpoolFile> file_;
  std::uint64_t expected_ = 0;
  std::size_t memory_max_ = 0;
  const std::string* directory_ = nullptr;
};

}  // namespace forebay::front
