#pragma once

#include <string>

#include "base/result.h"
#include "doctor/host.h"

namespace forebay::doctor {

/// Asks /status.json of the admin socket of the Forebay with this pid. `admin`: the value of its
/// --admin, unix:PATH (relative to where it stands) or HOST:PORT. Takes a second at most. Errors:
/// nobody answers, or not as Forebay does.
Result<ForebayStatus> read_forebay_status(int pid, const std::string& admin);

/// The page itself. Errors: it is not what Forebay writes.
Result<ForebayStatus> parse_forebay_status(std::string_view json);

}  // namespace forebay::doctor
