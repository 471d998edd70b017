#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace forebay::lab {

/// The programs that experiments start. What was not found is empty.
struct Programs {
  std::string forebay;  // ourselves
  std::string nginx;
  std::string gunicorn;
  std::string haproxy;
};

/// `nginx`, `gunicorn`: where they are, or empty: looked for in PATH and the system's folders;
/// gunicorn first in $VIRTUAL_ENV and in the virtual environment beside us. Errors: what was named
/// is not there.
Result<Programs> find_programs(const std::string& nginx, const std::string& gunicorn);

/// What to type for each that is missing of nginx and gunicorn.
std::vector<std::string> how_to_install(const Programs& programs);

}  // namespace forebay::lab
