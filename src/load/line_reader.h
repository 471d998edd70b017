#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace forebay::load {

/// The lines of a file or a pipe, one after the other, in bounded memory. One thread.
class LineReader {
 public:
  static constexpr std::size_t kLineBytesMax = std::size_t{16} << 20;

  /// "stdin" and "-" are that stream. Errors: it cannot be opened.
  static Result<LineReader> open(const std::string& path);
  /// Of a text that is at hand.
  LineReader(std::string name, std::string text)
      : name_(std::move(name)), buffer_(std::move(text)) {}

  /// The next line without its end (LF); the last one needs none. False: no more. The view is good
  /// until the next call. Errors: the file cannot be read, a line of more than kLineBytesMax.
  Result<bool> next(std::string_view& line);
  /// next() gives the last line once more.
  void again() { again_ = true; }

  [[nodiscard]] const std::string& name() const { return name_; }
  /// " (line 3 of targets.txt)": of the last line, for the end of a message.
  [[nodiscard]] std::string place() const;

 private:
  LineReader(std::string name, Fd file) : name_(std::move(name)), file_(std::move(file)) {}
  Result<bool> read_more();

  std::string name_;
  Fd file_;             // none: all is in the buffer
  std::string buffer_;  // what was read; lines begin at start_
  std::size_t start_ = 0;
  std::string_view last_;
  bool again_ = false;
  std::uint64_t number_ = 0;  // of the last line, from 1
};

}  // namespace forebay::load
