#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <ctime>

/// Futexes on memory that several processes map, see futex(2). std::atomic::wait would use private
/// ones.
namespace forebay::channel {

/// Every wait has this bound, so that a wake lost to a dying process costs a second and no more.
inline constexpr std::chrono::seconds kWaitMax{1};

/// Sleeps while `word` holds `value`: until a wake, a signal (EINTR) or kWaitMax.
inline void futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t value) {
  const timespec limit{kWaitMax.count(), 0};
  ::syscall(SYS_futex, &word, FUTEX_WAIT, value, &limit, nullptr, 0);
}

inline void futex_wake_one(std::atomic<std::uint32_t>& word) {
  ::syscall(SYS_futex, &word, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

}  // namespace forebay::channel
