#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "load/result_stream.h"

namespace forebay::load {

struct SourceLimits {
  std::size_t record_bytes = kRecordBytesMax;
  std::size_t read_bytes = 64 * 1024;  // of one read(2), at most
};

/// A file that is read from front to back. Memory is bounded by the longest record, which must be
/// whole in rest() before its reader takes it. One thread.
class ByteSource {
 public:
  /// "stdin" and "-" are that stream. `stop` as in HitReader::open. Errors as open(2).
  static Result<ByteSource> open(const std::string& path, int stop, SourceLimits limits = {});
  ByteSource(Fd file, std::string name, int stop = -1, SourceLimits limits = {});

  /// What was read and not taken yet.
  [[nodiscard]] std::string_view rest() const { return {buffer_.data() + begin_, end_ - begin_}; }
  /// Reads more, behind rest(). False: the file has ended(), or `stop` is readable. Errors: as
  /// read(2); rest() is as long as a record may be.
  Result<bool> more();
  /// Nothing comes after rest().
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] std::size_t record_bytes_max() const { return limits_.record_bytes; }
  void take(std::size_t bytes) { begin_ += bytes; }

  /// Goes back to the start of the file, to read it again. Everything is kept until forget().
  void rewind() { begin_ = 0; }
  void forget() { keep_ = false; }

  /// Of rest(), from the start of the file.
  [[nodiscard]] std::uint64_t offset() const { return dropped_ + begin_; }
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  void make_room();
  /// False: `stop` is readable, and not the file.
  [[nodiscard]] bool wait() const;

  Fd file_;
  std::string name_;
  int stop_;
  SourceLimits limits_;
  std::vector<char> buffer_;  // read and not taken: begin_ to end_
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t dropped_ = 0;  // bytes of the file before buffer_
  bool keep_ = true;
  bool ended_ = false;
};

}  // namespace forebay::load
