#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace forebay {

/// Where log lines go: a file, stdout or stderr. Never makes its writer wait for a reader: what a
/// pipe or a terminal does not take is kept, up to a bound; lines beyond it are dropped and
/// counted. (A regular file may make it wait for the disk.) One thread.
class LogFile {
 public:
  static constexpr std::size_t kKeptMax = 1 << 20;

  /// `path` "-" is `standard`, a descriptor that stays open. Errors: as open(2).
  static Result<LogFile> open(const std::string& path, int standard);
  LogFile(LogFile&&) = default;
  LogFile& operator=(LogFile&&) = delete;
  /// Gives a reader who is only slow a moment to take the rest.
  ~LogFile();

  /// Adds one line, which `write(std::string&)` appends with its end. It is written by flush(), or
  /// sooner when there are many.
  template <typename Write>
  void line(Write&& write) {
    const std::size_t before = kept_.size();
    if (full()) {
      ++dropped_;
      return;
    }
    write(kept_);
    if (kept_.size() > kKeptMax) {
      kept_.resize(before);
      full_ = true;
      ++dropped_;
    } else if (kept_.size() >= kFlushBytes && !blocked_) {
      flush();
    }
  }
  /// Writes as much as is taken now.
  void flush();
  [[nodiscard]] bool pending() const { return !kept_.empty(); }
  /// Lines lost so far.
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }
  /// Since a line found no room, until half of what is kept is written: a gap is in one piece.
  [[nodiscard]] bool full() {
    full_ = full_ && kept_.size() > kKeptMax / 2;
    return full_;
  }

  /// Opens the path anew, after somebody has renamed the file. An error leaves all as it is.
  Result<void> reopen();

 private:
  static constexpr std::size_t kFlushBytes = 64 * 1024;

  LogFile(Fd file, std::string path);
  static Fd open_path(const std::string& path);
  static Fd open_standard(int standard);
  /// write(2) that waits for no reader.
  [[nodiscard]] ssize_t write_now(std::string_view bytes) const;

  Fd file_;
  std::string path_;
  bool is_socket_;
  bool blocked_ = false;  // the last flush() was not taken whole
  bool full_ = false;
  bool cut_ = false;  // the file ends within a line: a disk was full there
  std::string kept_;
  std::uint64_t dropped_ = 0;
};

}  // namespace forebay
