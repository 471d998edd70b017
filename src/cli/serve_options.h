#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "front/access_log.h"
#include "front/settings.h"
#include "workers/options.h"

namespace CLI {  // NOLINT(readability-identifier-naming)
class App;
}

namespace forebay::cli {

/// Everything that `forebay serve` can be told.
struct ServeOptions {
  workers::Options workers;
  front::Settings front;
  std::vector<std::string> bind;
  int backlog = 2048;
  std::string admin;  // "" = none
  bool admin_public = false;
  std::string pid_file;
  std::string user;               // "" = as we were started
  std::string group;              // "" = the user's
  std::optional<unsigned> umask;  // none: as we were started
  std::string access_log;         // "" = none, "-" = stdout
  front::AccessLogFormat access_log_format = front::AccessLogFormat::kForebay;
  std::string error_log = "-";
  LogLevel log_level = LogLevel::kInfo;
};

/// Adds the options to the command. `options` must outlive its parsing; after it, check_serve().
void add_serve_options(CLI::App& command, ServeOptions& options);
/// What no single option can see: limits that contradict each other. Errors: which, and what to
/// change.
Result<void> check_serve(const ServeOptions& options);

}  // namespace forebay::cli
