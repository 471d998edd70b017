#pragma once

#include <string>

#include "load/client_options.h"
#include "load/flight.h"

namespace forebay::load {

/// The head of a request in HTTP/1.1, but for X-Vegeta-Seq, which differs from hit to hit, and the
/// empty line. What the target's headers say goes before what we would say.
std::string http1_head(const Request& request, const ClientOptions& options);

}  // namespace forebay::load
