#include "base/log.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

namespace forebay {
namespace {

struct Name {
  LogLevel level;
  std::string_view word;
  std::string_view tag;
};
constexpr std::array kNames{
    Name{LogLevel::kDebug, "debug", "DEBUG"},          Name{LogLevel::kInfo, "info", "INFO"},
    Name{LogLevel::kWarning, "warning", "WARNING"},    Name{LogLevel::kError, "error", "ERROR"},
    Name{LogLevel::kCritical, "critical", "CRITICAL"},
};

std::string local_time() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::localtime_r(&now, &parts);
  std::array<char, 32> text{};
  const std::size_t length =
      std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S %z", &parts);
  return {text.data(), length};
}

void append(LogFile& file, std::string_view text) {
  file.line([text](std::string& out) { out.append(text).push_back('\n'); });
  file.flush();
}

}  // namespace

Result<LogLevel> parse_log_level(std::string_view word) {
  for (const Name& name : kNames) {
    if (name.word == word) {
      return name.level;
    }
  }
  return fail(format("'{}' is no log level: use debug, info, warning, error or critical", word));
}

Result<Log> Log::open(const std::string& path, LogLevel threshold) {
  Result<LogFile> file = LogFile::open(path, STDERR_FILENO);
  if (!file) {
    return fail(
        format("cannot open the error log {}: {}. Give --error-logfile a path that this "
               "user can write, or - for stderr",
               path, std::strerror(errno)));
  }
  return Log(std::move(*file), threshold);
}

void Log::line(LogLevel level, std::string_view text, int pid) {
  if (!enabled(level)) {
    return;
  }
  raw(headed(level, text, pid));
}

void Log::raw(std::string_view text) {
  if (file_.dropped() != told_) {
    file_.flush();
    if (!file_.full()) {
      tell_losses();
    }
  }
  append(file_, text);
}

std::string Log::headed(LogLevel level, std::string_view text, int pid) {
  std::string_view tag = "INFO";
  for (const Name& name : kNames) {
    tag = name.level == level ? name.tag : tag;
  }
  return format("[{}] [{}] [{}] {}", local_time(), pid != 0 ? pid : ::getpid(), tag, text);
}

void Log::tell_losses() {
  const std::uint64_t lost = file_.dropped() - told_;
  append(file_, headed(LogLevel::kWarning,
                       format("{} lines of this log were lost: nobody read them, or too slowly, or "
                              "the disk was full",
                              lost),
                       0));
  // This line itself may have been lost: then there is no room yet, and it does not count.
  const bool told = file_.dropped() == told_ + lost;
  told_ = told ? told_ + lost : file_.dropped() - lost;
}

Result<void> Log::reopen() { return file_.reopen(); }

}  // namespace forebay
