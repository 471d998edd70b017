#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "doctor/host.h"
#include "doctor/rules.h"

namespace forebay::doctor {

/// The bytes that processes chose (names, paths), without those that would move a terminal's
/// cursor: they become "?".
std::string printable(std::string_view text);

/// How severities look: escape sequences on a terminal, else nothing.
struct Colors {
  std::string_view critical, warning, note, good, plain;
  static Colors none() { return {}; }
  static Colors terminal() { return {"\x1b[1;31m", "\x1b[33m", "\x1b[36m", "\x1b[32m", "\x1b[0m"}; }
};

/// What is wrong, or that nothing is.
std::string findings_text(const std::vector<Finding>& findings, const Colors& colors);
/// What could not be looked at; "" if all could.
std::string unseen_text(const Host& host);

/// The listening sockets as a table, fullest first. All of them, or only the first ones.
std::string socket_table(const Host& host, bool all);

}  // namespace forebay::doctor
