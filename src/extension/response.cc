#include "extension/response.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "extension/errors.h"

namespace forebay::extension {
namespace {

using channel::kAbort;
using channel::kDone;
using channel::kEnd;
using channel::kRecordMax;
using channel::RecordType;

constexpr std::uint8_t kNoFlags = 0;
constexpr int kLevelWarning = 30;
constexpr int kLevelError = 40;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

template <typename T>
std::span<const std::byte> bytes_of(const T& value)
  requires std::is_arithmetic_v<T>
{
  return std::as_bytes(std::span(&value, 1));
}

bool check_is_bytes(PyObject* block) {
  if (PyBytes_Check(block) != 0) {
    return true;
  }
  PyErr_Format(PyExc_TypeError, "the response body must consist of bytes, not %R",
               reinterpret_cast<PyObject*>(Py_TYPE(block)));
  return false;
}

/// Sets the exception of an exc_info tuple.
void raise_again(PyObject* exc_info) {
  PyObject* value = PyTuple_Check(exc_info) != 0 && PyTuple_Size(exc_info) == 3
                        ? PyTuple_GetItem(exc_info, 1)
                        : nullptr;
  if (value == nullptr || PyObject_IsInstance(value, PyExc_BaseException) != 1) {
    PyErr_SetString(PyExc_TypeError,
                    "start_response: exc_info must be a tuple as from sys.exc_info()");
    return;
  }
  set_exception(value);
}

}  // namespace

Response::Lock Response::lock() {
  Lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock()) {
    const WithoutGil without_gil;
    lock.lock();
  }
  return lock;
}

void Response::begin(channel::Ticket ticket, bool body_wanted, PyObject* write) {
  const Lock held = lock();
  CHECK(!open_);
  ticket_ = ticket;
  write_ = write;
  body_wanted_ = body_wanted;
  sent_ = 0;
  open_ = true;
  single_block_ = started_ = head_sent_ = over_ = cut_ = false;
}

bool Response::check_open() const {
  if (!open_ || control_.is_disowned()) {
    PyErr_SetString(PyExc_RuntimeError,
                    open_ ? "the request belongs to the process that this one was forked from"
                          : "start_response or write() was called after the request was over");
    return false;
  }
  return true;
}

Ref Response::start(PyObject* status, PyObject* fields, PyObject* exc_info) {
  const Lock held = lock();
  if (!check_open()) {
    return {};
  }
  if (exc_info != Py_None && head_sent_) {
    raise_again(exc_info);  // too late for another response: the application's own error goes on
    return {};
  }
  if (exc_info == Py_None && started_) {
    PyErr_SetString(PyExc_AssertionError,
                    "start_response was called a second time without exc_info");
    return {};
  }
  started_ = head_.set(status, fields);
  if (!started_) {
    return {};
  }
  if (!head_.dropped().empty()) {
    control_.log_once(
        kLevelWarning,
        "the application sets headers that belong to the connection; left out: " + head_.dropped());
  }
  return Ref::borrow(write_);
}

bool Response::send(PyObject* block_object) {
  const Lock held = lock();
  if (!check_open() || !check_is_bytes(block_object)) {
    return false;
  }
  if (!started_) {
    PyErr_SetString(PyExc_AssertionError, "a block of the body came before start_response");
    return false;
  }
  std::string_view block = view_of_bytes(block_object);
  if (single_block_ && !block.empty() && !head_sent_ && !head_.content_length()) {
    head_.set_content_length(block.size());
  }
  block = cut_to_length(block);
  if (block.empty()) {
    return true;
  }
  sent_ += block.size();
  const bool complete = head_.content_length() == sent_;
  return send_bytes(may_have_body() ? block : std::string_view(), complete ? kEnd : kNoFlags);
}

std::string_view Response::cut_to_length(std::string_view block) {
  const std::optional<std::uint64_t> length = head_.content_length();
  if (!length || !may_have_body() || block.size() <= *length - sent_) {
    return block;
  }
  if (!cut_) {
    cut_ = true;
    control_.log(kLevelError, "the application sent more than its Content-Length of " +
                                  std::to_string(*length) + " bytes: the body was cut there");
  }
  return block.substr(0, *length - sent_);
}

bool Response::send_bytes(std::string_view bytes, std::uint8_t last_flags) {
  if (!head_sent_ && !send_head(bytes, last_flags)) {
    return false;
  }
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, kRecordMax);
    bytes.remove_prefix(piece.size());
    if (!write(RecordType::kBody, bytes.empty() ? last_flags : kNoFlags, {bytes_of(piece)})) {
      return false;
    }
  }
  return true;
}

bool Response::send_head(std::string_view& bytes, std::uint8_t last_flags) {
  const std::span<const std::byte> head = head_.bytes();
  const auto head_bytes = static_cast<std::uint32_t>(head.size());
  const std::string_view piece = bytes.substr(0, Head::kBytesMax - head.size());
  bytes.remove_prefix(piece.size());
  return write(RecordType::kResponse, bytes.empty() ? last_flags : kNoFlags,
               {bytes_of(head_bytes), head, bytes_of(piece)});
}

bool Response::send_all(PyObject* blocks) {
  const Lock held = lock();
  const bool is_list = PyList_Check(blocks) != 0;
  // Other threads run while we wait for room, and may change a list.
  const auto size = [&] { return is_list ? PyList_Size(blocks) : PyTuple_Size(blocks); };
  const auto block = [&](Py_ssize_t i) {
    return Ref::borrow(is_list ? PyList_GetItem(blocks, i) : PyTuple_GetItem(blocks, i));
  };
  std::uint64_t total = 0;
  for (Py_ssize_t i = 0; i < size(); ++i) {
    if (!check_is_bytes(block(i).get())) {
      return false;
    }
    total += view_of_bytes(block(i).get()).size();
  }
  if (started_ && !head_sent_ && !head_.content_length()) {
    head_.set_content_length(total);
  }
  if (started_ && !head_sent_ && head_.content_length() == total) {
    if (size() == 1) {
      const Ref only = block(0);
      return send_at_once(view_of_bytes(only.get()));
    }
    if (total <= kRecordMax) {
      buffer_.clear();
      for (Py_ssize_t i = 0; i < size(); ++i) {
        buffer_.append(view_of_bytes(block(i).get()));
      }
      return send_at_once(buffer_);
    }
  }
  for (Py_ssize_t i = 0; i < size() && !wants_no_more(); ++i) {
    if (!send(block(i).get())) {
      return false;
    }
  }
  return end(kDone);
}

/// The body as one piece, head and end with it: for a small response, all in one record.
bool Response::send_at_once(std::string_view body) {
  return send_bytes(may_have_body() ? body : std::string_view(), kEnd | kDone);
}

bool Response::send_file(int fd, std::uint64_t offset, std::uint64_t bytes) {
  const Lock held = lock();
  if (!started_) {
    return true;  // end() knows what to say
  }
  if (!head_.content_length()) {
    CHECK(!head_sent_);
    head_.set_content_length(bytes);
  }
  if (!may_have_body()) {
    sent_ += bytes;
    return true;
  }
  bytes = std::min(bytes, *head_.content_length() - sent_);
  if (bytes == 0 || (!head_sent_ && !send_bytes({}, kNoFlags))) {
    return bytes == 0;
  }
  control_.send_file(ticket_, fd);
  sent_ += bytes;
  const bool complete = head_.content_length() == sent_;
  return write(RecordType::kFile, complete ? kEnd : kNoFlags, {bytes_of(offset), bytes_of(bytes)});
}

bool Response::end(std::uint8_t flags) {
  const Lock held = lock();
  if (over_) {
    abort(flags);
    return true;
  }
  if (!started_) {
    PyErr_SetString(PyExc_AssertionError, "the application never called start_response");
    return false;
  }
  if (head_.content_length() > sent_ && may_have_body()) {
    return end_too_short(flags);
  }
  flags |= kEnd;
  return head_sent_ ? write(RecordType::kNothing, flags, {}) : send_bytes({}, flags);
}

bool Response::end_too_short(std::uint8_t flags) {
  control_.log(kLevelError, "the application sent " + std::to_string(sent_) +
                                " bytes of a body with Content-Length " +
                                std::to_string(*head_.content_length()) +
                                ": the connection is closed");
  if (!head_sent_ && !send_bytes({}, kNoFlags)) {
    return false;
  }
  abort(flags);
  return true;
}

void Response::fail(std::uint8_t flags) {
  const Lock held = lock();
  if (over_ || head_sent_) {
    abort(flags);
    return;
  }
  constexpr std::string_view kBody = "Internal Server Error\n";
  head_.set(500, "Internal Server Error", "text/plain; charset=utf-8");
  head_.set_content_length(kBody.size());
  started_ = true;
  const std::span<const std::byte> head = head_.bytes();
  const auto head_bytes = static_cast<std::uint32_t>(head.size());
  write_surely(RecordType::kResponse, flags | kEnd,
               {bytes_of(head_bytes), head, bytes_of(body_wanted_ ? kBody : "")});
}

void Response::abort(std::uint8_t flags) {
  const Lock held = lock();
  if (!over_) {
    write_surely(RecordType::kNothing, flags | kAbort, {});
  }
  if ((flags & kDone) != 0) {
    done();
  }
}

void Response::done() {
  const Lock held = lock();
  if (open_) {
    write_surely(RecordType::kNothing, kDone, {});
  }
}

bool Response::write(RecordType type, std::uint8_t flags, std::initializer_list<Part> parts) {
  while (!server_.try_write(ticket_, type, flags, parts)) {
    {
      const WithoutGil without_gil;
      server_.wait_room();
    }
    if (PyErr_CheckSignals() != 0) {
      return false;
    }
  }
  note(type, flags);
  return true;
}

void Response::write_surely(RecordType type, std::uint8_t flags,
                            std::initializer_list<Part> parts) {
  while (!server_.try_write(ticket_, type, flags, parts)) {
    const WithoutGil without_gil;
    server_.wait_room();
  }
  note(type, flags);
}

void Response::note(RecordType type, std::uint8_t flags) {
  head_sent_ |= type == RecordType::kResponse;
  over_ |= (flags & (kEnd | kAbort)) != 0;
  open_ &= (flags & kDone) == 0;
}

// The Python type.

namespace {

constexpr const char* kStartDoc = "start_response(status, headers, exc_info=None) -> write";

PyObject* start_response(PyObject* self, PyObject* const* arguments, Py_ssize_t positional,
                         PyObject* names) {
  const Py_ssize_t named = names != nullptr ? PyTuple_Size(names) : 0;
  const bool names_exc_info =
      named == 1 && PyUnicode_CompareWithASCIIString(PyTuple_GetItem(names, 0), "exc_info") == 0;
  if (positional < 2 || positional + named > 3 || (named != 0 && !names_exc_info)) {
    PyErr_Format(PyExc_TypeError, "call it so: %s", kStartDoc);
    return nullptr;
  }
  PyObject* exc_info = positional + named == 3 ? arguments[2] : Py_None;
  return unbox<Response>(self).start(arguments[0], arguments[1], exc_info).release();
}

PyObject* write_block(PyObject* self, PyObject* block) {
  return unbox<Response>(self).send(block) ? Ref::borrow(Py_None).release() : nullptr;
}

}  // namespace

Ref make_responder_type(PyObject* module) {
  static std::array<PyMethodDef, 3> methods{{
      {"start_response", as_method(start_response), METH_FASTCALL | METH_KEYWORDS, kStartDoc},
      {"write", write_block, METH_O, "write(block): the next bytes of the body"},
      {},
  }};
  static std::array<PyType_Slot, 3> slots{{
      {Py_tp_methods, methods.data()},
      {Py_tp_dealloc, as_slot(destroy_boxed<Response>)},
      {},
  }};
  static PyType_Spec spec{"forebay._worker.Responder", sizeof(Boxed<Response>), 0,
                          Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots.data()};
  return Ref::steal(PyType_FromModuleAndSpec(module, &spec, nullptr));
}

}  // namespace forebay::extension
