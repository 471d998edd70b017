#pragma once

#define PY_SSIZE_T_CLEAN
#include <memory>
#include <string_view>
#include <utility>

#include <Python.h>

/// CPython for the rest of this folder. As in its own API, a function that returns an empty Ref or
/// false has set a Python exception.
namespace forebay::extension {

/// Owns one reference.
class Ref {
 public:
  Ref() = default;
  [[nodiscard]] static Ref steal(PyObject* object) { return Ref(object); }
  [[nodiscard]] static Ref borrow(PyObject* object) {
    Py_XINCREF(object);
    return Ref(object);
  }
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref&& other) noexcept {
    Ref old(std::exchange(object_, std::exchange(other.object_, nullptr)));
    return *this;
  }
  Ref(const Ref&) = delete;
  Ref& operator=(const Ref&) = delete;
  ~Ref() { Py_XDECREF(object_); }

  [[nodiscard]] PyObject* get() const { return object_; }
  [[nodiscard]] PyObject* release() { return std::exchange(object_, nullptr); }
  explicit operator bool() const { return object_ != nullptr; }

 private:
  explicit Ref(PyObject* object) : object_(object) {}
  PyObject* object_ = nullptr;
};

/// Lets other threads run Python for as long as it lives.
class WithoutGil {
 public:
  WithoutGil() : state_(PyEval_SaveThread()) {}
  WithoutGil(const WithoutGil&) = delete;
  WithoutGil& operator=(const WithoutGil&) = delete;
  ~WithoutGil() { PyEval_RestoreThread(state_); }

 private:
  PyThreadState* state_;
};

[[nodiscard]] inline Ref to_str(std::string_view latin1) {
  return Ref::steal(
      PyUnicode_DecodeLatin1(latin1.data(), static_cast<Py_ssize_t>(latin1.size()), nullptr));
}

[[nodiscard]] inline std::string_view view_of_bytes(PyObject* bytes) {
  return {PyBytes_AsString(bytes), static_cast<std::size_t>(PyBytes_Size(bytes))};
}

/// A Python object around a C++ value. Its type is a heap type that cannot be a base.
template <typename T>
struct Boxed {
  PyObject_HEAD T value;
};

template <typename T>
[[nodiscard]] T& unbox(PyObject* self) {
  return reinterpret_cast<Boxed<T>*>(self)->value;
}

template <typename T, typename... Arguments>
[[nodiscard]] PyObject* box(PyTypeObject* type, Arguments&&... arguments) {
  auto* allocate = reinterpret_cast<allocfunc>(PyType_GetSlot(type, Py_tp_alloc));
  PyObject* self = allocate(type, 0);
  if (self != nullptr) {
    std::construct_at(&unbox<T>(self), std::forward<Arguments>(arguments)...);
  }
  return self;
}

template <typename T>
void destroy_boxed(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  std::destroy_at(&unbox<T>(self));
  reinterpret_cast<freefunc>(PyType_GetSlot(type, Py_tp_free))(self);
  Py_DECREF(reinterpret_cast<PyObject*>(type));
}

/// For the tables of methods and slots, which hold functions of every shape under one type.
template <typename Function>
[[nodiscard]] PyCFunction as_method(Function* function) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}
template <typename Function>
[[nodiscard]] void* as_slot(Function* function) {
  return reinterpret_cast<void*>(function);
}

}  // namespace forebay::extension
