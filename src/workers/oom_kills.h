#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace forebay::workers {

/// How many processes of our control group, and of those below it, the kernel's OOM killer has
/// taken: `oom_kill` of memory.events (cgroups(7), version 2). Nothing: not to be known here, as
/// with version 1. The paths are others only in tests.
[[nodiscard]] std::optional<std::uint64_t> read_oom_kills(
    const std::string& own_groups = "/proc/self/cgroup",
    const std::string& mount = "/sys/fs/cgroup");

}  // namespace forebay::workers
