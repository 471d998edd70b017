#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "doctor/host.h"

namespace forebay::doctor {

enum class Severity : std::uint8_t {
  kNote,      // was bad, or might become so
  kWarning,   // requests wait, or will be refused when it gets busier
  kCritical,  // requests are refused now
};
std::string_view word(Severity severity);

/// Something that is wrong.
struct Finding {
  Severity severity = Severity::kNote;
  std::string_view rule;              // "queue-full": for programs
  std::string subject;                // of what: a socket's address, "network 4026531840", "pid 12"
  std::string what;                   // one sentence
  std::vector<std::string> evidence;  // figures
  std::string users;                  // what they see
  std::vector<std::string> fix;       // what to type or to change
  std::string trade_off;              // what the fix costs
};

/// A queue takes no more, or nearly.
std::vector<Finding> find_full_queues(const Host& host);
/// nginx passes requests to where nobody listens.
std::vector<Finding> find_missing_upstreams(const Host& host);
/// The kernel counted connections that it dropped at TCP listeners.
std::vector<Finding> find_overflows(const Host& host);
/// All workers run requests, and at least as many wait.
std::vector<Finding> find_busy_workers(const Host& host);
/// Clients have left and still wait in a unix queue.
std::vector<Finding> find_gone_clients(const Host& host);
/// listen() was asked for more than net.core.somaxconn permitted.
std::vector<Finding> find_cut_backlogs(const Host& host);
/// nginx's own queue is short, and has overflowed or is half full.
std::vector<Finding> find_short_nginx_queues(const Host& host);
/// nginx gives up before the queue is worked off, or before gunicorn does.
std::vector<Finding> find_short_timeouts(const Host& host);
/// Forebay refuses requests.
std::vector<Finding> find_shedding(const Host& host);

/// All of them, the most harmful first.
std::vector<Finding> diagnose(const Host& host);

}  // namespace forebay::doctor
