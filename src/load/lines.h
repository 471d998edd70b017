#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "load/byte_source.h"

namespace forebay::load {

/// The lines of a source, one after the other, without LF or CRLF; the last one may lack its end.
class Lines {
 public:
  /// False: the source has ended, or its `stop` is readable. `line` is good until the source reads
  /// more. Errors as ByteSource::more.
  Result<bool> next(ByteSource& source, std::string_view& line);
  /// Of the line that next() gave, from 1.
  [[nodiscard]] std::uint64_t number() const { return number_; }

 private:
  std::size_t searched_ = 0;  // of source.rest(), for the end of the line
  std::uint64_t number_ = 0;
};

}  // namespace forebay::load
