#include "base/log.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "base/fd.h"

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

}  // namespace

Result<LogLevel> parse_log_level(std::string_view word) {
  for (const Name& name : kNames) {
    if (name.word == word) {
      return name.level;
    }
  }
  return fail(format("'{}' is no log level: use debug, info, warning, error or critical", word));
}

struct Log::Sink {
  spdlog::logger logger;
};

Log::Log(std::unique_ptr<Sink> sink, LogLevel threshold)
    : sink_(std::move(sink)), threshold_(threshold) {}
Log::Log(Log&&) noexcept = default;
Log& Log::operator=(Log&&) noexcept = default;
Log::~Log() = default;

Result<Log> Log::open(const std::string& path, LogLevel threshold) {
  // The library would make missing directories: a typing error then makes a log that nobody finds.
  if (path != "-" && !Fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644))) {
    return fail(
        format("cannot open the error log {}: {}. Give --error-logfile a path that this "
               "user can write, or - for stderr",
               path, std::strerror(errno)));
  }
  try {
    spdlog::sink_ptr sink;
    if (path == "-") {
      sink = std::make_shared<spdlog::sinks::stderr_sink_st>();
    } else {
      sink = std::make_shared<spdlog::sinks::basic_file_sink_st>(path);
    }
    spdlog::logger logger("error", std::move(sink));
    logger.set_pattern("%v");
    logger.set_level(spdlog::level::trace);
    logger.flush_on(spdlog::level::trace);
    return Log(std::make_unique<Sink>(std::move(logger)), threshold);
  } catch (const spdlog::spdlog_ex& error) {
    return fail(format("cannot open the error log {}: {}", path, error.what()));
  }
}

void Log::line(LogLevel level, std::string_view text, int pid) {
  if (!enabled(level)) {
    return;
  }
  std::string_view tag = "INFO";
  for (const Name& name : kNames) {
    tag = name.level == level ? name.tag : tag;
  }
  raw(format("[{}] [{}] [{}] {}", local_time(), pid != 0 ? pid : ::getpid(), tag, text));
}

void Log::raw(std::string_view text) { sink_->logger.info(text); }

}  // namespace forebay
