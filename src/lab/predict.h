#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "lab/result.h"

namespace forebay::lab {

/// What becomes of the requests of a load that come at even distances: how many of each status.
using Statuses = std::map<std::string, std::uint64_t>;

/// Of nginx before gunicorn, reckoned from what the kernel does (unix(7), listen(2)): a request
/// finds a free worker; or room in the queue of listen(), which holds one more than the lesser of
/// backlog and somaxconn; else it is refused with 502. Who has no answer within proxy_read_timeout
/// gets 504, and is served nevertheless. None: by TCP and the queue overflows, as the kernel then
/// tries again later.
std::optional<Statuses> predict_classic(const Settings& settings);

/// "137 x 200, 63 x 502".
std::string text(const Statuses& statuses);
/// No status is further away than `tolerance`.
bool alike(const Statuses& a, const Statuses& b, std::uint64_t tolerance);

}  // namespace forebay::lab
