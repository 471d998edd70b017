#include "extension/errors.h"

#include <string>

namespace forebay::extension {
namespace {

constexpr int kLevelError = 40;

/// "".join(traceback.format_exception(exception)), as UTF-8; nothing if even that fails.
std::string format(const State& state, PyObject* exception) {
  const Ref lines =
      Ref::steal(PyObject_CallFunctionObjArgs(state.format_exception.get(), exception, nullptr));
  const Ref empty = to_str("");
  const Ref text = lines && empty ? Ref::steal(PyUnicode_Join(empty.get(), lines.get())) : Ref();
  const Ref utf8 =
      text ? Ref::steal(PyUnicode_AsEncodedString(text.get(), "utf-8", "backslashreplace")) : Ref();
  PyErr_Clear();
  return utf8 ? std::string(view_of_bytes(utf8.get())) : "(its traceback cannot be shown)";
}

}  // namespace

bool exception_means_leave() {
  return PyErr_ExceptionMatches(PyExc_SystemExit) != 0 ||
         PyErr_ExceptionMatches(PyExc_KeyboardInterrupt) != 0;
}

Ref take_exception() {
  PyObject* type = nullptr;
  PyObject* value = nullptr;
  PyObject* traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  if (traceback != nullptr) {
    PyException_SetTraceback(value, traceback);
  }
  Py_XDECREF(type);
  Py_XDECREF(traceback);
  return Ref::steal(value);
}

void set_exception(PyObject* exception) {
  PyErr_Restore(Ref::borrow(reinterpret_cast<PyObject*>(Py_TYPE(exception))).release(),
                Ref::borrow(exception).release(), PyException_GetTraceback(exception));
}

void log_exception(const State& state, ControlLine& control, std::string_view what) {
  const Ref exception = take_exception();
  std::string text(what);
  text += '\n';
  text += format(state, exception.get());
  while (text.ends_with('\n')) {
    text.pop_back();
  }
  control.log(kLevelError, text);
  set_exception(exception.get());
}

}  // namespace forebay::extension
