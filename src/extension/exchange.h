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
  /// `worker`: the Python object that keeps `region`.
  Server(const State& state, ControlLine& control, PyObject* worker, const channel::Region& region,
         std::uint32_t index, int wake_fd)
      : state_(state),
        control_(control),
        worker_(worker),
        region_(region),
        index_(index),
        end_(region, index, wake_fd) {}

  [[nodiscard]] bool open(PyObject* templates) { return environ_.open(templates); }
  [[nodiscard]] channel::ServerEnd& end() { return end_; }

  /// Runs one request from its claim to its kDone. False: the application wants the process to
  /// leave; that exception is set.
  [[nodiscard]] bool serve(const channel::Claimed& claimed, PyObject* app);

 private:
  friend class Exchange;

  /// A Response that no other object refers to: the last one, unless the application has kept it.
  [[nodiscard]] bool have_responder();
  /// A watch of this request, in the same way.
  [[nodiscard]] bool have_watch(channel::Ticket ticket);
  [[nodiscard]] Response& response() { return unbox<Response>(responder_.get()); }

  const State& state_;
  ControlLine& control_;
  PyObject* worker_;
  const channel::Region& region_;
  std::uint32_t index_;
  channel::ServerEnd end_;
  EnvironBuilder environ_;
  Ref responder_;
  Ref start_response_;  // its bound methods
  Ref write_;
  Ref watch_;  // a ClientWatch
};

}  // namespace forebay::extension
