#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "front/record.h"
#include "net/loop.h"

namespace forebay::front {

enum class AccessLogFormat : std::uint8_t {
  kForebay,   // combined, then queue=S app=S reason=WORD
  kCombined,  // byte for byte what web servers call combined
  kJson,      // an object per line
};
/// forebay, combined, json. Errors: any other word.
Result<AccessLogFormat> parse_access_log_format(std::string_view text);

/// One line per request, collected in memory and written as soon as the loop has a moment. One
/// thread.
class AccessLog {
 public:
  /// `path` "-" is stdout. Errors: the file cannot be opened.
  static Result<AccessLog> open(const std::string& path, AccessLogFormat format);
  AccessLog(AccessLog&&) = default;
  AccessLog& operator=(AccessLog&&) = delete;
  ~AccessLog() { flush(); }

  void write(const Record& record);
  [[nodiscard]] bool pending() const { return !buffer_.empty(); }
  void flush();

 private:
  AccessLog(Fd file, AccessLogFormat format) : file_(std::move(file)), format_(format) {}
  void combined(const Record& record);
  void json(const Record& record);

  Fd file_;
  AccessLogFormat format_;
  std::string buffer_;
  std::int64_t second_ = -1;  // that time_ says
  std::string time_;
};

}  // namespace forebay::front
