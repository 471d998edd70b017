#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "doctor/host.h"
#include "doctor/rules.h"

namespace forebay::doctor {

/// A queue's fill at a moment.
struct Fill {
  std::string address;
  std::uint32_t waiting = 0;
  std::uint32_t limit = 0;
  std::string at;  // "08:16:59"
};

/// Looks again and again, and remembers the worst.
class Watch {
 public:
  /// Takes a look at time `at`. Tells the host what its counters were when the watch began.
  void see(Host& host, const std::string& at);

  /// One line of `header()`'s columns about the last look.
  [[nodiscard]] const std::string& line() const { return line_; }
  static std::string header();
  /// The fullest that any queue was; limit and waiting are 0 if nothing ever waited.
  [[nodiscard]] const Fill& highest() const { return highest_; }
  /// All that was found in all looks, each at its worst, the most harmful first.
  [[nodiscard]] std::vector<Finding> findings() const;

 private:
  void remember(std::vector<Finding> findings);

  std::map<std::uint64_t, ListenCounters> first_;  // by network namespace
  std::map<std::pair<std::string, std::string>, Finding> findings_;
  Fill highest_;
  std::string line_;
};

}  // namespace forebay::doctor
