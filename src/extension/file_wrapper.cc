#include "extension/file_wrapper.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>

namespace forebay::extension {
namespace {

constexpr Py_ssize_t kBlockBytes = Py_ssize_t{32} * 1024;

struct FileWrapper {
  Ref filelike;
  Ref read;
  Ref block_bytes;
};

PyObject* create(PyTypeObject* type, PyObject* arguments, PyObject* names) {
  PyObject* filelike = nullptr;
  Py_ssize_t block_bytes = kBlockBytes;
  static std::array<char*, 3> keywords{const_cast<char*>("filelike"),
                                       const_cast<char*>("block_size"), nullptr};
  if (PyArg_ParseTupleAndKeywords(arguments, names, "O|n:FileWrapper", keywords.data(), &filelike,
                                  &block_bytes) == 0) {
    return nullptr;
  }
  Ref read = Ref::steal(PyObject_GetAttrString(filelike, "read"));
  Ref size = Ref::steal(PyLong_FromSsize_t(block_bytes));
  if (!read || !size) {
    return nullptr;
  }
  return box<FileWrapper>(type, Ref::borrow(filelike), std::move(read), std::move(size));
}

PyObject* iterate(PyObject* self) { return Ref::borrow(self).release(); }

PyObject* next(PyObject* self) {
  const FileWrapper& wrapper = unbox<FileWrapper>(self);
  Ref block = Ref::steal(
      PyObject_CallFunctionObjArgs(wrapper.read.get(), wrapper.block_bytes.get(), nullptr));
  if (block && PyObject_IsTrue(block.get()) == 1) {
    return block.release();
  }
  return nullptr;  // no exception: the end
}

PyObject* close(PyObject* self, PyObject* /*unused*/) {
  const Ref method =
      Ref::steal(PyObject_GetAttrString(unbox<FileWrapper>(self).filelike.get(), "close"));
  if (!method) {
    PyErr_Clear();
    return Ref::borrow(Py_None).release();
  }
  return PyObject_CallNoArgs(method.get());
}

PyObject* get_attribute(PyObject* self, PyObject* name) {
  PyObject* own = PyObject_GenericGetAttr(self, name);
  if (own != nullptr || PyErr_ExceptionMatches(PyExc_AttributeError) == 0) {
    return own;
  }
  PyErr_Clear();
  return PyObject_GetAttr(unbox<FileWrapper>(self).filelike.get(), name);
}

/// Only the files of io.open(), bare or buffered, read the bytes that are in the file. Others that
/// have a fileno(), as gzip's, read something else.
bool reads_plainly(const State& state, PyObject* filelike) {
  if (PyObject_IsInstance(filelike, state.file_io.get()) == 1) {
    return true;
  }
  const Ref raw = Ref::steal(PyObject_GetAttrString(filelike, "raw"));
  return raw && PyObject_IsInstance(raw.get(), state.file_io.get()) == 1;
}

std::optional<long long> call_for_number(PyObject* object, const char* method) {
  const Ref number = Ref::steal(PyObject_CallMethod(object, method, nullptr));
  const long long value = number ? PyLong_AsLongLong(number.get()) : -1;
  if (PyErr_Occurred() != nullptr || value < 0) {
    return std::nullopt;
  }
  return value;
}

std::optional<RegularFile> open_regular_file(const State& state, PyObject* filelike) {
  if (!reads_plainly(state, filelike)) {
    return std::nullopt;
  }
  const std::optional<long long> fd = call_for_number(filelike, "fileno");
  const std::optional<long long> offset = fd ? call_for_number(filelike, "tell") : std::nullopt;
  struct stat info{};
  if (!offset || ::fstat(static_cast<int>(*fd), &info) != 0 || !S_ISREG(info.st_mode)) {
    return std::nullopt;
  }
  RegularFile file{Fd(::fcntl(static_cast<int>(*fd), F_DUPFD_CLOEXEC, 0)),
                   static_cast<std::uint64_t>(*offset), 0};
  if (!file.fd) {
    return std::nullopt;
  }
  file.bytes = info.st_size > *offset ? static_cast<std::uint64_t>(info.st_size - *offset) : 0;
  return file;
}

}  // namespace

Ref make_file_wrapper_type(PyObject* module) {
  static std::array<PyMethodDef, 2> methods{{
      {"close", close, METH_NOARGS, "Closes the file, if it can be closed."},
      {},
  }};
  static std::array<PyType_Slot, 8> slots{{
      {Py_tp_doc, const_cast<char*>("FileWrapper(filelike, block_size=32768)\n\n"
                                    "wsgi.file_wrapper of PEP 3333.")},
      {Py_tp_new, as_slot(create)},
      {Py_tp_iter, as_slot(iterate)},
      {Py_tp_iternext, as_slot(next)},
      {Py_tp_getattro, as_slot(get_attribute)},
      {Py_tp_methods, methods.data()},
      {Py_tp_dealloc, as_slot(destroy_boxed<FileWrapper>)},
      {},
  }};
  static PyType_Spec spec{"forebay._worker.FileWrapper", sizeof(Boxed<FileWrapper>), 0,
                          Py_TPFLAGS_DEFAULT, slots.data()};
  return Ref::steal(PyType_FromModuleAndSpec(module, &spec, nullptr));
}

std::optional<RegularFile> find_regular_file(const State& state, PyObject* file_wrapper) {
  std::optional<RegularFile> file =
      open_regular_file(state, unbox<FileWrapper>(file_wrapper).filelike.get());
  PyErr_Clear();
  return file;
}

}  // namespace forebay::extension
