#include "load/answer.h"

#include <algorithm>
#include <charconv>
#include <cstddef>

#include "base/text.h"
#include "http/text.h"

namespace forebay::load {
namespace {

constexpr double kMsMax = 1e12;

/// Of "name;dur=1.5;desc=text".
Duration duration_of(std::string_view metric) {
  constexpr std::string_view kDuration = ";dur=";
  const std::size_t at = metric.find(kDuration);
  if (at == std::string_view::npos) {
    return kUnknown;
  }
  double ms = 0;
  const auto result =
      std::from_chars(metric.data() + at + kDuration.size(), metric.data() + metric.size(), ms);
  return result.ec == std::errc() && ms >= 0 && ms < kMsMax ? from_seconds(ms / 1e3) : kUnknown;
}

/// The metrics `queue` and `app` of a Server-Timing field (W3C Server Timing: durations in
/// milliseconds). Anything else in it is passed over.
void read_server_timing(std::string_view value, Hit& hit) {
  while (!value.empty()) {
    const std::string_view metric = http::take_list_element(value);
    const std::string_view name = http::trim(metric.substr(0, metric.find(';')));
    if (name == "queue") {
      hit.server_queue = duration_of(metric);
    } else if (name == "app") {
      hit.server_app = duration_of(metric);
    }
  }
}

}  // namespace

void take_head(Hit& hit, int status, std::string_view reason, std::span<const http::Field> fields) {
  hit.code = status;
  hit.headers.reserve(fields.size());
  for (const http::Field& field : fields) {
    hit.headers.emplace_back(field.name, field.value);
    if (equal_ignoring_case(field.name, "server-timing")) {
      read_server_timing(field.value, hit);
    }
  }
  if (status < 200 || status >= 400) {
    hit.failure = Failure::kStatus;
    hit.error = format("{} {}", status, reason);
  }
}

void take_body(Hit& hit, std::string_view piece, std::int64_t kept_max) {
  hit.bytes_in += piece.size();
  const std::size_t kept = hit.body.size();
  const std::size_t most = kept_max < 0 ? SIZE_MAX : static_cast<std::size_t>(kept_max);
  hit.body.append(piece.substr(0, most - std::min(most, kept)));
}

}  // namespace forebay::load
