#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/log_file.h"
#include "base/result.h"
#include "base/text.h"

namespace forebay {

/// Numbers as Python's logging has them: they cross the process border.
enum class LogLevel { kDebug = 10, kInfo = 20, kWarning = 30, kError = 40, kCritical = 50 };

/// debug, info, warning, error, critical. Errors: any other word.
Result<LogLevel> parse_log_level(std::string_view word);

/// The error log: `[2026-01-31 12:00:00 +0000] [PID] [INFO] text`, to stderr or a file. Every line
/// is written at once, unless nobody reads: see LogFile. How many were lost stands where they would
/// have been, as soon as there is room. One thread.
class Log {
 public:
  /// `path` "-" is stderr. Errors: the file cannot be opened.
  static Result<Log> open(const std::string& path, LogLevel threshold);

  template <typename... Args>
  void debug(fmt::format_string<Args...> text, Args&&... args) {
    write(LogLevel::kDebug, text, std::forward<Args>(args)...);
  }
  template <typename... Args>
  void info(fmt::format_string<Args...> text, Args&&... args) {
    write(LogLevel::kInfo, text, std::forward<Args>(args)...);
  }
  template <typename... Args>
  void warning(fmt::format_string<Args...> text, Args&&... args) {
    write(LogLevel::kWarning, text, std::forward<Args>(args)...);
  }
  template <typename... Args>
  void error(fmt::format_string<Args...> text, Args&&... args) {
    write(LogLevel::kError, text, std::forward<Args>(args)...);
  }

  /// A finished text; `pid` is the process that says it, 0 for this one.
  void line(LogLevel level, std::string_view text, int pid = 0);
  /// A line as it is, without time and level.
  void raw(std::string_view text);
  /// Opens its file anew, after somebody has renamed it. An error leaves all as it is.
  Result<void> reopen();
  [[nodiscard]] bool enabled(LogLevel level) const { return level >= threshold_; }

 private:
  Log(LogFile file, LogLevel threshold) : file_(std::move(file)), threshold_(threshold) {}

  template <typename... Args>
  void write(LogLevel level, fmt::format_string<Args...> text, Args&&... args) {
    if (enabled(level)) {
      line(level, fmt::format(text, std::forward<Args>(args)...));
    }
  }

  static std::string headed(LogLevel level, std::string_view text, int pid);
  void tell_losses();

  LogFile file_;
  LogLevel threshold_;
  std::uint64_t told_ = 0;  // of LogFile::dropped()
};

}  // namespace forebay
