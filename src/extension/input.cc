#include "extension/input.h"

namespace forebay::extension {

Ref make_input(const State& state, std::span<const std::byte> body) {
  if (body.empty()) {
    return Ref::steal(PyObject_CallFunctionObjArgs(state.bytes_io.get(), nullptr));
  }
  const Ref bytes = Ref::steal(PyBytes_FromStringAndSize(reinterpret_cast<const char*>(body.data()),
                                                         static_cast<Py_ssize_t>(body.size())));
  return bytes
             ? Ref::steal(PyObject_CallFunctionObjArgs(state.bytes_io.get(), bytes.get(), nullptr))
             : Ref();
}

Ref make_input(const State& state, Fd file) {
  Ref input = Ref::steal(PyObject_CallFunction(state.open.get(), "is", file.get(), "rb"));
  if (input) {
    std::ignore = file.release();
  }
  return input;
}

void close_input(const State& state, PyObject* input) {
  if (!Ref::steal(PyObject_CallMethodObjArgs(input, state.close.get(), nullptr))) {
    PyErr_Clear();
  }
}

}  // namespace forebay::extension
