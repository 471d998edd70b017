#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "lab/result.h"
#include "lab/stack.h"

namespace forebay::lab {

/// Looks at the queues of a stack: those of its listening sockets in the kernel, and Forebay's own.
class Sampler {
 public:
  /// Notes what waits now. `at`: seconds since the Unix epoch.
  void look(Stack& stack, double at);
  /// What waits in all of them, at the last look.
  [[nodiscard]] std::uint64_t waiting() const { return waiting_; }
  /// All looks, by their time since `zero`.
  [[nodiscard]] std::vector<Queue> queues(double zero) const;

 private:
  void note(const std::string& name, std::uint64_t limit, std::uint64_t waiting, double at);

  std::map<std::string, Queue> queues_;
  std::uint64_t waiting_ = 0;
};

/// Seconds since the Unix epoch.
double wall_now();

}  // namespace forebay::lab
