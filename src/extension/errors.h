#pragma once

#include <string_view>

#include "extension/control_line.h"
#include "extension/state.h"

namespace forebay::extension {

/// The exception that is set asks the process to leave: SystemExit, KeyboardInterrupt.
[[nodiscard]] bool exception_means_leave();

/// The exception that is set, with its traceback; none is set any more.
[[nodiscard]] Ref take_exception();

/// Sets it (again).
void set_exception(PyObject* exception);

/// Writes `what` and the traceback of the exception that is set to the error log. The exception
/// stays set.
void log_exception(const State& state, ControlLine& control, std::string_view what);

}  // namespace forebay::extension
