#include "extension/worker.h"

#include <array>

#include "channel/futex.h"
#include "extension/errors.h"

namespace forebay::extension {

bool Worker::run(PyObject* self, std::uint32_t index, PyObject* app, PyObject* templates) {
  if (index >= region_.geometry().servers) {
    PyErr_Format(PyExc_ValueError, "there is no server %u in the channel, only %u", index,
                 region_.geometry().servers);
    return false;
  }
  Server server(state_, control_, self, region_, index, wake_.get());
  if (!server.open(templates)) {
    return false;
  }
  running_.push_back(index);
  const bool good = serve_until_stop(server, app);
  std::erase(running_, index);
  return good;
}

bool Worker::serve_until_stop(Server& server, PyObject* app) {
  channel::ServerEnd& end = server.end();
  while (!control_.is_disowned()) {
    if (!handle_signals()) {
      return false;
    }
    if (stopping_) {  // just now, it may be
      break;
    }
    if (const std::optional<channel::Claimed> claimed = end.claim()) {
      if (!server.serve(*claimed, app) && !control_.is_disowned()) {
        return false;
      }
      continue;
    }
    if (end.closing()) {
      break;
    }
    const WithoutGil without_gil;
    end.wait_ready();
  }
  PyErr_Clear();  // in a fork of this process: whatever the application raised
  return true;
}

bool Worker::handle_signals() {
  if (PyErr_CheckSignals() == 0) {
    return true;
  }
  if (exception_means_leave()) {
    return false;
  }
  log_exception(state_, control_, "error in a signal handler");
  PyErr_Clear();
  return true;
}

void Worker::stop() {
  stopping_ = true;
  for (const std::uint32_t server : running_) {
    std::atomic<std::uint32_t>& asleep = region_.server(server).asleep;
    asleep.store(0, std::memory_order_release);
    channel::futex_wake_one(asleep);
  }
}

// The Python type.

namespace {

PyObject* none() { return Ref::borrow(Py_None).release(); }

PyObject* create(PyTypeObject* type, PyObject* arguments, PyObject* /*names*/) {
  int memfd = -1;
  int wake = -1;
  int control = -1;
  if (PyArg_ParseTuple(arguments, "iii:Worker", &memfd, &wake, &control) == 0) {
    return nullptr;
  }
  const auto* state = static_cast<const State*>(PyType_GetModuleState(type));
  Result<channel::Region> region = channel::Region::attach(memfd);
  if (!region) {
    PyErr_SetString(PyExc_OSError, region.error().message.c_str());
    return nullptr;
  }
  return box<Worker>(type, *state, std::move(*region), Fd(wake), Fd(control));
}

PyObject* ready(PyObject* self, PyObject* /*unused*/) {
  unbox<Worker>(self).control().send_ready();
  return none();
}

PyObject* log(PyObject* self, PyObject* arguments) {
  int level = 0;
  const char* text = nullptr;
  Py_ssize_t size = 0;
  if (PyArg_ParseTuple(arguments, "iy#:log", &level, &text, &size) == 0) {
    return nullptr;
  }
  unbox<Worker>(self).control().log(level, {text, static_cast<std::size_t>(size)});
  return none();
}

PyObject* run(PyObject* self, PyObject* arguments) {
  unsigned int server = 0;
  PyObject* app = nullptr;
  PyObject* templates = nullptr;
  if (PyArg_ParseTuple(arguments, "IOO:run", &server, &app, &templates) == 0) {
    return nullptr;
  }
  return unbox<Worker>(self).run(self, server, app, templates) ? none() : nullptr;
}

PyObject* stop(PyObject* self, PyObject* /*unused*/) {
  unbox<Worker>(self).stop();
  return none();
}

PyObject* disown(PyObject* self, PyObject* /*unused*/) {
  unbox<Worker>(self).control().disown();
  return none();
}

}  // namespace

Ref make_worker_type(PyObject* module) {
  static std::array<PyMethodDef, 6> methods{{
      {"ready", ready, METH_NOARGS, "ready(): tells the front that the application is loaded"},
      {"log", log, METH_VARARGS, "log(level, text: bytes): a line for the error log; level 0: raw"},
      {"run", run, METH_VARARGS,
       "run(server, app, templates): serves until the channel closes or stop()"},
      {"stop", stop, METH_NOARGS, "stop(): run() returns after the request that it runs"},
      {"disown", disown, METH_NOARGS,
       "disown(): this process is a fork, the responses are its parent's"},
      {},
  }};
  static std::array<PyType_Slot, 5> slots{{
      {Py_tp_doc, const_cast<char*>("Worker(memfd, wake_fd, control_fd)\n\n"
                                    "A worker's end of the channel; takes the last two over.")},
      {Py_tp_new, as_slot(create)},
      {Py_tp_methods, methods.data()},
      {Py_tp_dealloc, as_slot(destroy_boxed<Worker>)},
      {},
  }};
  static PyType_Spec spec{"forebay._worker.Worker", sizeof(Boxed<Worker>), 0, Py_TPFLAGS_DEFAULT,
                          slots.data()};
  return Ref::steal(PyType_FromModuleAndSpec(module, &spec, nullptr));
}

}  // namespace forebay::extension
