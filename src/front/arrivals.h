#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "http/request.h"
#include "queue/entry.h"

namespace forebay::front {

/// Which requests have a priority of their own: those whose path begins so, or that have a header.
struct PriorityRule {
  /// "high:path=/pay/", "low:header=X-Batch" or "low:header=X-Kind=crawler". Errors: what is wrong
  /// with it.
  static Result<PriorityRule> parse(std::string_view text);
  [[nodiscard]] bool fits(const http::RequestHead& head) const;

  queue::Priority priority = queue::Priority::kNormal;
  std::string path;                  // its beginning, decoded; empty: it does not matter
  std::string header;                // its name; empty: it does not matter
  std::optional<std::string> value;  // of the header; nothing: any
};

/// How requests differ for the queue.
struct ArrivalRules {
  std::vector<PriorityRule> priorities;  // the first that fits counts; none: normal
  bool fair_share = false;               // clients take turns
  std::string deadline_header;           // the time that the caller has left; "": none says it

  [[nodiscard]] queue::Priority priority_of(const http::RequestHead& head) const;
};

/// What the header says: "250" and "250ms" are milliseconds, "1.5s" seconds; in `grpc-timeout` the
/// units are gRPC's: H M S, and m u n for thousandths, millionths and billionths of a second. At
/// most a day. Nothing: it is no time.
[[nodiscard]] std::optional<Duration> parse_time_left(std::string_view header,
                                                      std::string_view text);

/// A client's number by its address: of IPv6 the network, as each client has a /64 (RFC 6177), and
/// 0 for whoever comes by a unix socket.
[[nodiscard]] std::uint64_t client_number(std::string_view host);

}  // namespace forebay::front
