#include "front/arrivals.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include "base/text.h"
#include "http/path.h"
#include "net/network_set.h"

namespace forebay::front {
namespace {

constexpr Duration kTimeLeftMax = std::chrono::hours(24);

struct Unit {
  std::string_view text;
  double seconds;
};
constexpr std::array<Unit, 3> kUnits{{{"", 1e-3}, {"ms", 1e-3}, {"s", 1}}};
/// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
constexpr std::array<Unit, 6> kGrpcUnits{
    {{"H", 3600}, {"M", 60}, {"S", 1}, {"m", 1e-3}, {"u", 1e-6}, {"n", 1e-9}}};

std::unexpected<Error> no_rule(std::string_view text) {
  return fail(
      format("'{}' is no priority: write high, normal or low, then :path=PREFIX, :header=NAME or "
             ":header=NAME=VALUE, as in low:path=/reports/",
             text));
}

}  // namespace

Result<PriorityRule> PriorityRule::parse(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::size_t equals = text.find('=', colon + 1);
  if (colon == std::string_view::npos || equals == std::string_view::npos) {
    return no_rule(text);
  }
  const auto level = std::ranges::find(queue::kPriorityWords, text.substr(0, colon));
  const std::string_view kind = text.substr(colon + 1, equals - colon - 1);
  const std::string_view what = text.substr(equals + 1);
  if (level == queue::kPriorityWords.end()) {
    return no_rule(text);
  }
  PriorityRule rule;
  rule.priority = static_cast<queue::Priority>(level - queue::kPriorityWords.begin());
  if (kind == "path" && what.starts_with('/')) {
    rule.path = what;
    return rule;
  }
  rule.header = what.substr(0, what.find('='));
  if (kind != "header" || rule.header.empty()) {
    return no_rule(text);
  }
  if (rule.header.size() != what.size()) {
    rule.value = what.substr(rule.header.size() + 1);
  }
  return rule;
}

bool PriorityRule::fits(const http::RequestHead& head) const {
  if (!path.empty()) {
    return http::after_prefix(head.path_and_query, path).has_value();
  }
  return std::ranges::any_of(head.fields, [this](const http::Field& field) {
    return equal_ignoring_case(field.name, header) && (!value || field.value == *value);
  });
}

queue::Priority ArrivalRules::priority_of(const http::RequestHead& head) const {
  const auto rule = std::ranges::find_if(
      priorities, [&head](const PriorityRule& each) { return each.fits(head); });
  return rule == priorities.end() ? queue::Priority::kNormal : rule->priority;
}

std::optional<Duration> parse_time_left(std::string_view header, std::string_view text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  const bool is_number = error == std::errc() && text[0] >= '0' && text[0] <= '9';  // nor "inf"
  const std::span<const Unit> units =
      equal_ignoring_case(header, "grpc-timeout") ? std::span<const Unit>(kGrpcUnits) : kUnits;
  const auto unit = std::ranges::find(units, std::string_view(rest, end), &Unit::text);
  if (!is_number || unit == units.end()) {
    return std::nullopt;
  }
  return from_seconds(std::min(value * unit->seconds, to_seconds(kTimeLeftMax)));
}

std::uint64_t client_number(std::string_view host) {
  const std::optional<net::IpBytes> address = net::parse_ip(host);
  if (!address) {
    return 0;
  }
  const auto number = [&address](std::size_t first, std::size_t last) {
    std::uint64_t value = 0;
    for (std::size_t i = first; i < last; ++i) {
      value = value << 8 | (*address)[i];
    }
    return value;
  };
  const std::uint64_t network = number(0, 8);
  const bool is_ipv4 = network == 0 && number(8, 12) == 0xffff;
  return is_ipv4 ? number(12, 16) : network;
}

}  // namespace forebay::front
