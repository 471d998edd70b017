#include "load/server_timing.h"

#include <charconv>

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

}  // namespace

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

}  // namespace forebay::load
