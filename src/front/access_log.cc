#include "front/access_log.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <iterator>

#include "base/text.h"

namespace forebay::front {
namespace {

std::string_view or_dash(std::string_view text) { return text.empty() ? "-" : text; }

/// Appends text from a client so that it cannot end the quotes or the line. `unicode` chooses
/// JSON's \u00XX, else Apache's \xXX.
void append_escaped(std::string& out, std::string_view text, bool unicode) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.append({'\\', c});
    } else if (byte < 0x20 || byte >= 0x7f) {
      format_to(std::back_inserter(out), fmt::runtime(unicode ? "\\u{:04x}" : "\\x{:02x}"), byte);
    } else {
      out.push_back(c);
    }
  }
}

void append_key(std::string& out, std::string_view key, std::string_view text) {
  out.append(",\"").append(key).append("\":\"");
  append_escaped(out, text, true);
  out.push_back('"');
}

std::string clf_time(std::time_t now) {
  std::tm parts{};
  ::localtime_r(&now, &parts);
  std::array<char, 64> text{};
  const std::size_t length =
      std::strftime(text.data(), text.size(), "%d/%b/%Y:%H:%M:%S %z", &parts);
  return {text.data(), length};
}

std::string rfc3339_time(const timespec& at) {
  std::tm parts{};
  ::gmtime_r(&at.tv_sec, &parts);
  std::array<char, 64> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  return format("{}.{:06}Z", std::string_view(text.data(), length), at.tv_nsec / 1000);
}

}  // namespace

Result<AccessLogFormat> parse_access_log_format(std::string_view text) {
  if (text == "forebay") {
    return AccessLogFormat::kForebay;
  }
  if (text == "combined") {
    return AccessLogFormat::kCombined;
  }
  if (text == "json") {
    return AccessLogFormat::kJson;
  }
  return fail(format("'{}' is no access log format: use forebay, combined or json", text));
}

Result<AccessLog> AccessLog::open(const std::string& path, AccessLogFormat format_word) {
  Result<LogFile> file = LogFile::open(path, STDOUT_FILENO);
  if (!file) {
    return fail(
        format("cannot open the access log {}: {}. Give --access-logfile a path that this "
               "user can write, or - for stdout",
               path, std::strerror(errno)));
  }
  return AccessLog(std::move(*file), format_word);
}

void AccessLog::write(const Record& record) {
  file_.line([&](std::string& out) {
    format_ == AccessLogFormat::kJson ? json(out, record) : combined(out, record);
  });
}

void AccessLog::combined(std::string& out, const Record& r) {
  const std::time_t now = std::time(nullptr);
  if (now != second_) {
    second_ = now;
    time_ = clf_time(now);
  }
  format_to(std::back_inserter(out), "{} - - [{}] \"", or_dash(r.remote), time_);
  append_escaped(out, r.method, false);
  out.push_back(' ');
  append_escaped(out, r.target, false);
  format_to(std::back_inserter(out), " {}\" {} {} \"", r.protocol, r.status, r.bytes);
  append_escaped(out, or_dash(r.referer), false);
  out.append("\" \"");
  append_escaped(out, or_dash(r.user_agent), false);
  out.push_back('"');
  if (format_ == AccessLogFormat::kForebay) {
    format_to(std::back_inserter(out), " queue={:.6f} app={:.6f} reason={}",
              to_seconds(r.queue_time), to_seconds(r.app_time), word(r.reason));
  }
  out.push_back('\n');
}

void AccessLog::json(std::string& out, const Record& r) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const std::int64_t began_ns = now.tv_sec * 1'000'000'000 + now.tv_nsec - r.duration.count();
  const timespec began{began_ns / 1'000'000'000, began_ns % 1'000'000'000};
  out.append("{\"ts\":\"").append(rfc3339_time(began)).push_back('"');
  append_key(out, "remote", r.remote);
  append_key(out, "method", r.method);
  append_key(out, "path", r.target.substr(0, r.target.find('?')));
  append_key(out, "protocol", r.protocol);
  format_to(std::back_inserter(out),
            ",\"status\":{},\"bytes\":{},\"duration\":{:.6f},\"queue_time\":{:.6f},"
            "\"app_time\":{:.6f},\"write_time\":{:.6f},\"worker_pid\":{},"
            "\"queue_len_at_arrival\":{},\"reason\":\"{}\"",
            r.status, r.bytes, to_seconds(r.duration), to_seconds(r.queue_time),
            to_seconds(r.app_time), to_seconds(r.write_time),
            r.worker_pid == 0 ? "null" : std::to_string(r.worker_pid), r.queue_length_at_arrival,
            word(r.reason));
  if (r.priority) {
    append_key(out, "priority", word(*r.priority));
  }
  if (r.deadline) {
    format_to(std::back_inserter(out), ",\"deadline\":{:.6f}", to_seconds(*r.deadline));
  }
  if (r.proxy_time) {
    format_to(std::back_inserter(out), ",\"proxy_time\":{:.6f}", to_seconds(*r.proxy_time));
  }
  if (!r.request_id.empty()) {
    append_key(out, "request_id", r.request_id);
  }
  if (!r.trace_id.empty()) {
    append_key(out, "trace_id", r.trace_id);
  }
  append_key(out, "referer", r.referer);
  append_key(out, "user_agent", r.user_agent);
  out.append("}\n");
}

}  // namespace forebay::front
