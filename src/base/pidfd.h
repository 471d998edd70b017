#pragma once

#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/fd.h"

/// Processes by descriptor, see pidfd_open(2): no signal can hit a stranger that got the number.
/// By system call, as glibc 2.36 declares its functions without extern "C".
namespace forebay {

/// Readable when the process is gone.
[[nodiscard]] inline Fd open_pidfd(pid_t pid) {
  return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

inline void send_signal(const Fd& pidfd, int signal) {
  ::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0);
}

}  // namespace forebay
