#pragma once

#include <string>

#include "base/result.h"

namespace forebay::cli {

/// The interpreter that a user expects: `asked` if given; else the one of the active virtualenv;
/// else the one of the virtualenv that this program is installed in; else python3 of PATH. Errors:
/// none there, or not executable.
Result<std::string> find_python(const std::string& asked);
/// The directory of the forebay package, beside this program. Errors: not there.
Result<std::string> find_package();

}  // namespace forebay::cli
