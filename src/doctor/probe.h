#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace forebay::doctor {

/// What is asked for, and where: a plain http URL, taken apart.
struct ProbeTarget {
  std::string host;  // a name or an address, without [ ]
  std::uint16_t port = 80;
  std::string authority;  // the header Host
  std::string target;     // path and query
};

struct ProbeAnswer {
  int status = 0;     // 0: none came
  std::string error;  // why not
  Duration time{0};   // from connect to the last byte
};

/// What `parallel` requests at once got.
struct ProbeStep {
  std::size_t parallel = 0;
  std::vector<ProbeAnswer> answers;
};

/// Asks gently: twice 1, 2, 4 and 8 requests at once, with a pause after each, so 30 requests; no
/// answer is waited for longer than 10 s, and after 30 s nothing more is asked. Stops as soon as
/// one is not answered. Errors: the host has no address; it is not this machine's own, unless
/// `anywhere`.
Result<std::vector<ProbeStep>> probe(const ProbeTarget& target, bool anywhere);

/// Every request was answered, and none with 5xx.
bool healthy(const std::vector<ProbeStep>& steps);

/// The steps as a table, and what they mean.
std::string probe_text(const std::vector<ProbeStep>& steps);

}  // namespace forebay::doctor
