#pragma once

#include "base/result.h"

namespace forebay::net {

/// A listening socket's queue in the kernel, in connections.
struct Backlog {
  unsigned waiting = 0;
  unsigned limit = 0;  // what listen() was given, cut to net.core.somaxconn
};

/// Reads it: for TCP by TCP_INFO, for unix sockets by sock_diag(7). Errors: the kernel does not say
/// (no unix_diag module, say).
Result<Backlog> read_backlog(int listening_socket);

}  // namespace forebay::net
