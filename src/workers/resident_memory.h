#pragma once

#include <sys/types.h>

#include <cstdint>

namespace forebay::workers {

/// Bytes of a process that are in memory, shared ones included, as proc(5) has them in
/// /proc/PID/statm; 0 if it is gone.
[[nodiscard]] std::uint64_t resident_bytes(pid_t pid);

}  // namespace forebay::workers
