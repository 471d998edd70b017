#pragma once

#include <cstdint>

#include "channel/region.h"
#include "extension/py.h"

namespace forebay::extension {

/// What environ["forebay.client_disconnected"] says of one request: that nobody waits for its
/// answer any more, as its client has left or it is over.
struct ClientWatch {
  Ref worker;  // keeps the region
  const channel::Region* region;
  std::uint32_t server;
  channel::Ticket ticket;
};

/// The Python type around it: a callable without arguments.
[[nodiscard]] Ref make_client_watch_type(PyObject* module);

}  // namespace forebay::extension
