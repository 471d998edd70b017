#pragma once

#include <string_view>

#include "load/hit.h"

namespace forebay::load {

/// Takes the metrics `queue` and `app` of a Server-Timing field (W3C Server Timing: durations in
/// milliseconds) into the hit. Anything else in it is passed over.
void read_server_timing(std::string_view value, Hit& hit);

}  // namespace forebay::load
