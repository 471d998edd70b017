#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "doctor/host.h"

namespace forebay::doctor {

/// The body of a page, /queue or another, of the admin socket of the Forebay with this pid.
/// `admin`: the value of its
/// --admin, unix:PATH (relative to where it stands) or HOST:PORT. Takes a second at most. Errors:
/// nobody answers.
Result<std::string> read_admin_page(int pid, const std::string& admin, std::string_view path);

/// Its /status.json. Errors: likewise, or it does not answer as Forebay does.
Result<ForebayStatus> read_forebay_status(int pid, const std::string& admin);

/// The page itself. Errors: it is not what Forebay writes.
Result<ForebayStatus> parse_forebay_status(std::string_view json);

}  // namespace forebay::doctor
