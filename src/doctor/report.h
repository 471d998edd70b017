#pragma once

#include <string>

#include "doctor/host.h"

namespace forebay::doctor {

/// The bytes that processes chose (names, paths), without those that would move a terminal's
/// cursor: they become "?".
std::string printable(std::string_view text);

/// The listening sockets as a table, fullest first. All of them, or only the first ones.
std::string socket_table(const Host& host, bool all);

}  // namespace forebay::doctor
