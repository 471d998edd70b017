#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"

/// The load generator: schedule, targets, client, results, report.
namespace forebay::load {

/// What went wrong with a hit, in classes that can be counted. kStatus: an answer came, and its
/// status is an error.
enum class Failure : std::uint8_t {
  kNone,
  kStatus,
  kDns,             // the name does not resolve
  kRefused,         // nobody listens
  kConnect,         // any other failure to connect
  kConnectTimeout,  // -timeout was over before there was a connection
  kTls,             // handshake or certificate
  kReset,           // the connection broke before the answer was complete
  kClosed,          // it was closed in order, before the answer was complete
  kTimeout,         // -timeout was over before the answer was complete
  kProtocol,        // the answer is no HTTP
  kRedirects,       // more of them than -redirects
  kSend,            // the request could not be made: no descriptor, a body file that is gone
  kUnfinished,      // the run was over before the answer was complete
};
inline constexpr std::array<std::string_view, 14> kFailureWords{
    "none",   "status",  "dns",      "refused",   "connect", "connect_timeout", "tls", "reset",
    "closed", "timeout", "protocol", "redirects", "send",    "unfinished"};
[[nodiscard]] constexpr std::string_view word(Failure failure) {
  return kFailureWords[static_cast<std::size_t>(failure)];
}

/// For a Duration that was not measured, or did not happen: no connection was opened, no request
/// was sent, another tool wrote the record.
inline constexpr Duration kUnknown{-1};

using HeaderFields = std::vector<std::pair<std::string, std::string>>;  // in order, with repeats

/// One request of an attack and what became of it. All clocks are monotonic; a wall-clock time is
/// the run's start plus what passed since.
///
///   intended      released          sent              first byte      done
///      |--- late ---|-- connection ---|-- first_byte ----|-- body ------|
///      |------------- lag ------------|------------ service ------------|
///      |--------------------------- latency ----------------------------|
struct Hit {
  std::string attack;            // name of the attack
  std::uint64_t sequence = 0;    // place in the schedule, from 0; over all shards
  int code = 0;                  // status of the answer, 0 = none
  std::int64_t intended_ns = 0;  // since the Unix epoch: what the schedule says
  Duration latency{0};           // done - intended: no coordinated omission
  Duration late = kUnknown;      // the generator's own fault: released - intended
  Duration lag = kUnknown;       // sent - intended: late, waiting for a connection, opening it
  Duration dns = kUnknown;       // these three only if a connection was opened for this hit
  Duration connect = kUnknown;
  Duration tls = kUnknown;
  Duration first_byte = kUnknown;    // first byte of the answer - sent
  Duration server_queue = kUnknown;  // from Server-Timing: the metrics queue and app
  Duration server_app = kUnknown;
  std::uint64_t bytes_out = 0;  // of bodies
  std::uint64_t bytes_in = 0;
  Failure failure = Failure::kNone;
  std::string
      error;         // empty if all is well; else vegeta's words where it has them: "404 Not Found"
  std::string body;  // as much of it as -max-body keeps
  std::string method;
  std::string url;
  HeaderFields headers;  // of the answer

  /// As a new one, but for the memory that its strings have.
  void clear() {
    attack.clear(), error.clear(), body.clear(), method.clear(), url.clear(), headers.clear();
    sequence = bytes_out = bytes_in = 0;
    code = 0;
    intended_ns = 0;
    latency = Duration{0};
    late = lag = dns = connect = tls = first_byte = server_queue = server_app = kUnknown;
    failure = Failure::kNone;
  }

  /// The answer had not come when we stopped to wait: the true latency is longer.
  [[nodiscard]] bool censored() const {
    return failure == Failure::kTimeout || failure == Failure::kConnectTimeout ||
           failure == Failure::kUnfinished;
  }
  /// 200 to 399, whole.
  [[nodiscard]] bool success() const {
    return code >= 200 && code < 400 && (failure == Failure::kNone);
  }
  /// Without the time that passed in the generator, or kUnknown.
  [[nodiscard]] Duration service() const { return lag < Duration{0} ? kUnknown : latency - lag; }
  [[nodiscard]] bool operator==(const Hit&) const = default;
};

}  // namespace forebay::load
