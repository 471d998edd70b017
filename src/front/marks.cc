#include "front/marks.h"

#include <algorithm>
#include <charconv>
#include <ctime>

#include "base/text.h"
#include "front/exchange.h"

namespace forebay::front {
namespace {

constexpr std::string_view kRequestStart = "X-Request-Start";
constexpr std::string_view kQueueStart = "X-Queue-Start";
constexpr std::string_view kRequestId = "X-Request-ID";
constexpr std::string_view kTraceparent = "traceparent";
constexpr std::size_t kRequestIdMax = 128;

/// Seconds since the epoch.
double wall_clock() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

std::uint64_t random_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

/// 16 hex digits.
char* write_hex(char* out, std::uint64_t number) {
  for (int shift = 60; shift >= 0; shift -= 4) {
    *out++ = "0123456789abcdef"[number >> shift & 0xf];
  }
  return out;
}

/// "t=1700000000.123" as long as there are ten digits of seconds, until the year 2286.
std::string_view write_start(std::array<char, 16>& out, double at) {
  const auto milliseconds = static_cast<std::int64_t>(at * 1000);
  const std::int64_t seconds = milliseconds / 1000;
  const auto rest = static_cast<int>(milliseconds % 1000);
  out[0] = 't';
  out[1] = '=';
  char* end = std::to_chars(out.data() + 2, out.data() + 12, seconds).ptr;
  for (const int digit : {-1, rest / 100, rest / 10 % 10, rest % 10}) {
    *end++ = digit < 0 ? '.' : static_cast<char>('0' + digit);
  }
  return {out.data(), end};
}

/// What servers send: "t=" or nothing, then seconds, milliseconds or microseconds since the epoch.
std::optional<double> read_start(std::string_view text) {
  text.remove_prefix(text.starts_with("t=") ? 2 : 0);
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  if (error != std::errc() || rest != end || !(value > 0)) {
    return std::nullopt;
  }
  return value > 1e14 ? value * 1e-6 : value > 1e11 ? value * 1e-3 : value;
}

bool is_request_id(std::string_view text) {
  const auto harmless = [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '\\'; };
  return !text.empty() && text.size() <= kRequestIdMax && std::ranges::all_of(text, harmless);
}

/// The trace id of "00-TRACE-SPAN-FLAGS" (W3C Trace Context, section 3.2); empty: it is not one.
std::string_view trace_id_of(std::string_view text) {
  constexpr std::size_t kVersion = 3;
  constexpr std::size_t kTrace = 32;
  if (text.size() < 55 || text[2] != '-' || text[35] != '-' || text[52] != '-') {
    return {};
  }
  const std::string_view id = text.substr(kVersion, kTrace);
  const auto hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return std::ranges::all_of(id, hex) && id.find_first_not_of('0') != std::string_view::npos ? id
                                                                                             : "";
}

}  // namespace

Marker::Marker(const Marking& marking)
    : marking_(marking), random_(random_seed()), prefix_(random_()) {}

void Marker::mark(std::vector<http::Field>& fields, bool from_trusted, Exchange& exchange) {
  Marks& marks = exchange.marks;
  std::string_view start;
  bool starts_are_false = false;
  http::Field* id = nullptr;
  for (http::Field& field : fields) {
    switch (field.name.size()) {
      case kRequestStart.size():
      case kQueueStart.size():
        if (equal_ignoring_case(field.name, kRequestStart) ||
            equal_ignoring_case(field.name, kQueueStart)) {
          starts_are_false = !from_trusted;
          start = field.value;
        }
        break;
      case kRequestId.size():
        id = equal_ignoring_case(field.name, kRequestId) ? &field : id;
        break;
      case kTraceparent.size():
        if (equal_ignoring_case(field.name, kTraceparent)) {
          marks.trace_id = trace_id_of(field.value);
        }
        break;
      default:
        break;
    }
  }
  if (marking_.request_id && id != nullptr && !is_request_id(id->value)) {
    id->value = make_id(marks);
  } else if (marking_.request_id && id == nullptr) {
    fields.push_back({kRequestId, make_id(marks)});
    id = &fields.back();
  }
  marks.request_id = id != nullptr ? id->value : "";
  if (marking_.trace && marks.trace_id.empty()) {
    std::erase_if(fields, [](const auto& f) { return equal_ignoring_case(f.name, kTraceparent); });
    fields.push_back({kTraceparent, make_trace(marks)});
    marks.trace_id = trace_id_of(fields.back().value);
  }
  if (starts_are_false) {
    std::erase_if(fields, [](const http::Field& field) {
      return equal_ignoring_case(field.name, kRequestStart) ||
             equal_ignoring_case(field.name, kQueueStart);
    });
  }
  const double now = wall_clock();
  if (start.empty() || starts_are_false) {
    fields.push_back({kRequestStart, write_start(marks.start_text, now)});
  } else if (const std::optional<double> began = read_start(start)) {
    const double ours = now - to_seconds(Clock::now() - exchange.began);
    marks.proxy_time = from_seconds(std::max(0.0, ours - *began));
  }
}

std::string_view Marker::make_id(Marks& marks) {
  write_hex(write_hex(marks.id_text.data(), prefix_), counter_++);
  return {marks.id_text.data(), marks.id_text.size()};
}

/// Sampled: who asked for it wants to see it.
std::string_view Marker::make_trace(Marks& marks) {
  char* out = std::ranges::copy(std::string_view("00-"), marks.trace_text.data()).out;
  out = write_hex(write_hex(out, random_()), random_() | 1);
  *out++ = '-';
  out = write_hex(out, random_() | 1);
  std::ranges::copy(std::string_view("-01"), out);
  return {marks.trace_text.data(), marks.trace_text.size()};
}

void Marker::mark_answer(http::HeadWriter& head, const Exchange& exchange, bool has_id) const {
  if (marking_.request_id && !has_id && !exchange.marks.request_id.empty()) {
    head.field(kRequestId, exchange.marks.request_id);
  }
  if (marking_.server_timing && exchange.has_started()) {
    const TimePoint now = Clock::now();
    const auto milliseconds = [](Duration time) { return to_seconds(time) * 1000; };
    head.field("Server-Timing",
               format("queue;dur={:.3f}, app;dur={:.3f}", milliseconds(exchange.queue_time(now)),
                      milliseconds(now - exchange.started)));
  }
}

}  // namespace forebay::front
