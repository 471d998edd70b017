#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "load/byte_source.h"
#include "load/lines.h"

namespace forebay::load {

/// The lines of a file or a pipe that a person wrote, with their places for messages. Bounded
/// memory. One thread.
class LineReader {
 public:
  static constexpr std::size_t kLineBytesMax = std::size_t{16} << 20;

  /// As ByteSource::open.
  static Result<LineReader> open(const std::string& path, int stop = -1);
  LineReader(Fd file, std::string name, int stop = -1);

  /// The next line without spaces at both ends. False: no more. The view is good until the next
  /// call. Errors, with the place: the file cannot be read, a line of more than kLineBytesMax.
  Result<bool> next(std::string_view& line);
  /// next() gives the last line once more.
  void again() { again_ = true; }
  [[nodiscard]] bool ended() const { return source_.ended(); }
  /// " (line 3 of targets.txt)": of the last line, for the end of a message.
  [[nodiscard]] std::string place() const;

 private:
  explicit LineReader(ByteSource source);

  ByteSource source_;
  Lines lines_;
  std::string_view last_;
  std::uint64_t number_ = 0;  // of the last line, from 1
  bool again_ = false;
};

}  // namespace forebay::load
