#pragma once

#include <cstddef>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace forebay::workers {

/// Where a generation's processes write what their threads are doing, when they are asked to and
/// when they crash: a memfd with a part for each seat and a last one for the zygote. It is written
/// by Python's faulthandler from a signal handler, so it works while the GIL is held in C.
class Tracebacks {
 public:
  static constexpr std::size_t kPartBytes = std::size_t{2} << 20;  // more than faulthandler writes

  static Result<Tracebacks> create();
  /// What makes a process write.
  [[nodiscard]] static int signal();
  [[nodiscard]] int fd() const { return memfd_.get(); }
  /// Takes out what a part has; "" for none. Cut after 64 KiB.
  [[nodiscard]] std::string take(std::size_t part);

 private:
  explicit Tracebacks(Fd memfd) : memfd_(std::move(memfd)) {}
  Fd memfd_;
};

}  // namespace forebay::workers
