#pragma once

#include <cstddef>
#include <span>

#include "base/fd.h"
#include "extension/state.h"

namespace forebay::extension {

/// wsgi.input for a body that is in memory: an io.BytesIO over a copy.
[[nodiscard]] Ref make_input(const State& state, std::span<const std::byte> body);
/// wsgi.input for a body in a file: a buffered binary file that owns the descriptor.
[[nodiscard]] Ref make_input(const State& state, Fd file);
/// After the request: the file is given back even if the application has kept the object.
void close_input(const State& state, PyObject* input);

}  // namespace forebay::extension
