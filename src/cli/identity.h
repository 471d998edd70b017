#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/result.h"

/// Whom the server becomes when everything is open that needs root.
namespace forebay::cli {

struct Identity {
  uid_t user = 0;
  gid_t group = 0;
  std::string name;  // whose supplementary groups it gets; empty: it gets none
};

/// --user and --group, by name or number, "" where not given: then the user stays, and the group is
/// the user's own. Nothing: we are that already. Errors: no such user or group; only root can
/// become somebody else.
Result<std::optional<Identity>> find_identity(const std::string& user, const std::string& group);
/// A file or unix socket becomes its own; what is neither, as /dev/null, stays as it is. Errors: as
/// chown(2).
Result<void> give(const std::string& path, const Identity& identity);
/// This process, and all that it will start, is it from here on, for good. Errors: as setuid(2),
/// also for root where capabilities were taken from it.
Result<void> become(const Identity& identity);

}  // namespace forebay::cli
