#include "extension/client_watch.h"

#include <array>

#include "channel/server_end.h"

namespace forebay::extension {
namespace {

PyObject* call(PyObject* self, PyObject* arguments, PyObject* names) {
  static std::array<char*, 1> none{{nullptr}};
  if (PyArg_ParseTupleAndKeywords(arguments, names, ":client_disconnected", none.data()) == 0) {
    return nullptr;
  }
  const auto& watch = unbox<ClientWatch>(self);
  return PyBool_FromLong(channel::is_unwanted(*watch.region, watch.server, watch.ticket) ? 1 : 0);
}

}  // namespace

Ref make_client_watch_type(PyObject* module) {
  static std::array<PyType_Slot, 4> slots{{
      {Py_tp_doc, const_cast<char*>("client_disconnected()\n\n"
                                    "True once the client of the request has left.")},
      {Py_tp_call, as_slot(call)},
      {Py_tp_dealloc, as_slot(destroy_boxed<ClientWatch>)},
      {},
  }};
  static PyType_Spec spec{"forebay._worker.ClientWatch", sizeof(Boxed<ClientWatch>), 0,
                          Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots.data()};
  return Ref::steal(PyType_FromModuleAndSpec(module, &spec, nullptr));
}

}  // namespace forebay::extension
