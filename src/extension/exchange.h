#pragma once

#include "channel/server_end.h"
#include "extension/control_line.h"
#include "extension/environ.h"
#include "extension/response.h"
#include "extension/state.h"

namespace forebay::extension {

/// What one server keeps from request to request. For its thread only.
class Server {
 public:
  Server(const State& state, ControlLine& control, const channel::Region& region,
         std::uint32_t index, int wake_fd)
      : state_(state), control_(control), end_(region, index, wake_fd) {}

  [[nodiscard]] bool open(PyObject* templates) { return environ_.open(templates); }
  [[nodiscard]] channel::ServerEnd& end() { return end_; }

  /// Runs one request from its claim to its kDone. False: the application wants the process to
  /// leave; that exception is set.
  [[nodiscard]] bool serve(const channel::Claimed& claimed, PyObject* app);

 private:
  friend class Exchange;

  /// A Response that no other object refers to: the last one, unless the application has kept it.
  [[nodiscard]] bool have_responder();
  [[nodiscard]] Response& response() { return unbox<Response>(responder_.get()); }

  const State& state_;
  ControlLine& control_;
  channel::ServerEnd end_;
  EnvironBuilder environ_;
  Ref responder_;
  Ref start_response_;  // its bound methods
  Ref write_;
};

}  // namespace forebay::extension
