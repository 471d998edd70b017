#include <signal.h>

#include <array>

#include "base/crash_point.h"
#include "extension/client_watch.h"
#include "extension/file_wrapper.h"
#include "extension/response.h"
#include "extension/state.h"
#include "extension/worker.h"

/// forebay._worker: the worker's side of the channel for CPython (limited API, 3.11 and later).
///
///   worker.cc    Worker, the loop of a server     environ.cc       what the application gets
///   exchange.cc  one request                      input.cc         wsgi.input
///   response.cc  start_response, write, records   file_wrapper.cc  wsgi.file_wrapper
///   head.cc      checks of status and headers     control_line.cc  the socket to the front
///   client_watch.cc  has the client left?
namespace forebay::extension {
namespace {

Ref import(const char* module, const char* name) {
  const Ref imported = Ref::steal(PyImport_ImportModule(module));
  return imported ? Ref::steal(PyObject_GetAttrString(imported.get(), name)) : Ref();
}

int execute(PyObject* module) {
  State& state = *std::construct_at(static_cast<State*>(PyModule_GetState(module)));
  state.bytes_io = import("io", "BytesIO");
  state.open = import("io", "open");
  state.file_io = import("io", "FileIO");
  state.format_exception = import("traceback", "format_exception");
  state.close = Ref::steal(PyUnicode_InternFromString("close"));
  state.worker_type = make_worker_type(module);
  state.file_wrapper_type = make_file_wrapper_type(module);
  state.responder_type = make_responder_type(module);
  state.client_watch_type = make_client_watch_type(module);
  if (PyErr_Occurred() != nullptr) {
    return -1;
  }
  return PyModule_AddObjectRef(module, "Worker", state.worker_type.get()) == 0 &&
                 PyModule_AddObjectRef(module, "FileWrapper", state.file_wrapper_type.get()) == 0
             ? 0
             : -1;
}

PyObject* crash_point(PyObject* /*module*/, PyObject* arguments) {
  const char* name = nullptr;
  if (PyArg_ParseTuple(arguments, "s:crash_point", &name) == 0) {
    return nullptr;
  }
  forebay::crash_point(name);
  return Ref::borrow(Py_None).release();
}

PyObject* leave_signal_stack(PyObject* /*module*/, PyObject* /*unused*/) {
  stack_t stack{};
  stack.ss_flags = SS_DISABLE;
  ::sigaltstack(&stack, nullptr);
  return Ref::borrow(Py_None).release();
}

void release(void* module) {
  if (void* state = PyModule_GetState(static_cast<PyObject*>(module))) {
    std::destroy_at(static_cast<State*>(state));
  }
}

}  // namespace
}  // namespace forebay::extension

// NOLINTNEXTLINE(readability-identifier-naming,bugprone-reserved-identifier): CPython wants it so.
PyMODINIT_FUNC PyInit__worker() {
  using forebay::extension::as_slot;
  static std::array<PyModuleDef_Slot, 2> slots{
      {{Py_mod_exec, as_slot(forebay::extension::execute)}, {}}};
  static std::array<PyMethodDef, 3> methods{
      {{"crash_point", forebay::extension::crash_point, METH_VARARGS,
        "crash_point(name): dies here if FOREBAY_CRASH says so; for tests"},
       {"leave_signal_stack", forebay::extension::leave_signal_stack, METH_NOARGS,
        "leave_signal_stack(): signal handlers of this thread run on its own stack, see "
        "sigaltstack(2)"},
       {}}};
  static PyModuleDef definition{PyModuleDef_HEAD_INIT,
                                "_worker",
                                "The worker's side of the channel to the front.",
                                sizeof(forebay::extension::State),
                                methods.data(),
                                slots.data(),
                                nullptr,
                                nullptr,
                                forebay::extension::release};
  return PyModuleDef_Init(&definition);
}
