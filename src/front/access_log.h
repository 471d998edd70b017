#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/log_file.h"
#include "base/result.h"
#include "front/record.h"

namespace forebay::front {

enum class AccessLogFormat : std::uint8_t {
  kForebay,   // combined, then queue=S app=S reason=WORD
  kCombined,  // byte for byte what web servers call combined
  kJson,      // an object per line
};
/// forebay, combined, json. Errors: any other word.
Result<AccessLogFormat> parse_access_log_format(std::string_view text);

/// One line per request, collected in memory and written by file().flush(). One thread.
class AccessLog {
 public:
  /// `path` "-" is stdout. Errors: the file cannot be opened.
  static Result<AccessLog> open(const std::string& path, AccessLogFormat format);

  void write(const Record& record);
  [[nodiscard]] LogFile& file() { return file_; }

 private:
  AccessLog(LogFile file, AccessLogFormat format) : file_(std::move(file)), format_(format) {}
  void combined(std::string& out, const Record& record);
  void json(std::string& out, const Record& record);

  LogFile file_;
  AccessLogFormat format_;
  std::int64_t second_ = -1;  // that time_ says
  std::string time_;
};

}  // namespace forebay::front
