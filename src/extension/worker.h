#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "channel/region.h"
#include "extension/control_line.h"
#include "extension/exchange.h"
#include "extension/state.h"

namespace forebay::extension {

/// One worker process: its mapping of the channel and its line to the front, shared by its servers.
/// Called with the GIL in hand.
class Worker {
 public:
  Worker(const State& state, channel::Region region, Fd wake, Fd control)
      : state_(state),
        region_(std::move(region)),
        wake_(std::move(wake)),
        control_(std::move(control)) {}

  [[nodiscard]] ControlLine& control() { return control_; }

  /// One server's loop: claim, serve, again. True: the channel has closed or stop() was called.
  /// `self`: the Python object around this.
  [[nodiscard]] bool run(PyObject* self, std::uint32_t index, PyObject* app, PyObject* templates);
  /// The loops end after the request that they run.
  void stop();

 private:
  [[nodiscard]] bool serve_until_stop(Server& server, PyObject* app);
  /// Python's signal handlers. What they raise is logged, unless it means that we leave.
  [[nodiscard]] bool handle_signals();

  const State& state_;
  channel::Region region_;
  Fd wake_;
  ControlLine control_;
  std::vector<std::uint32_t> running_;  // servers
  bool stopping_ = false;
};

/// The Python type: Worker(memfd, wake_fd, control_fd).
[[nodiscard]] Ref make_worker_type(PyObject* module);

}  // namespace forebay::extension
