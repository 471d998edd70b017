#include "extension/exchange.h"

#include <string>

#include "base/clock.h"
#include "extension/client_watch.h"
#include "extension/errors.h"
#include "extension/file_wrapper.h"
#include "extension/input.h"

namespace forebay::extension {

using channel::Claimed;
using channel::kDone;

/// One request: environ, the call of the application, its response, close().
class Exchange {
 public:
  Exchange(Server& server, const Claimed& claimed, PyObject* app)
      : server_(server),
        response_(server.response()),
        claimed_(claimed),
        request_(Request::read(claimed.head)),
        app_(app) {}

  [[nodiscard]] bool run();

 private:
  [[nodiscard]] bool open_input();
  [[nodiscard]] Ref call_app();
  void respond(PyObject* result);
  [[nodiscard]] Ref find_close(PyObject* result) const;
  [[nodiscard]] bool send_body(PyObject* result);
  [[nodiscard]] bool send_blocks(PyObject* result);
  [[nodiscard]] bool client_left() const {
    return channel::is_unwanted(server_.region_, server_.index_, claimed_.ticket);
  }
  /// The exception that is set ends the request: to the log, and an answer in its place.
  void fail(std::uint8_t flags);
  void log_and_forget();

  Server& server_;
  Response& response_;
  const Claimed& claimed_;
  const Request request_;
  PyObject* app_;
  Ref input_;
  Ref leave_;  // SystemExit or KeyboardInterrupt from the application
};

bool Exchange::run() {
  response_.begin(claimed_.ticket, request_.body_wanted(), server_.write_.get());
  if (!open_input()) {
    response_.abort(kDone);  // the front has ended the request meanwhile
    return true;
  }
  const Ref result = call_app();
  if (server_.control_.is_disowned()) {
    return false;
  }
  if (result) {
    respond(result.get());
  } else {
    fail(kDone);
  }
  if (input_ && claimed_.file_bytes != 0) {
    close_input(server_.state_, input_.get());
  }
  if (leave_) {
    set_exception(leave_.get());
  }
  return !leave_;
}

bool Exchange::open_input() {
  if (claimed_.file_bytes == 0) {
    input_ = make_input(server_.state_, claimed_.body);
    return true;
  }
  Fd file = server_.control_.fetch_body(claimed_.ticket);
  if (!file) {
    return false;
  }
  input_ = make_input(server_.state_, std::move(file));
  return true;
}

Ref Exchange::call_app() {
  if (!input_ || !server_.have_watch(claimed_.ticket)) {
    return {};
  }
  const Duration queued(claimed_.claimed_at_ns - request_.header.queued_at_ns);
  const Ref environ =
      server_.environ_.build(request_, input_.get(), server_.watch_.get(), to_seconds(queued));
  if (!environ) {
    return {};
  }
  return Ref::steal(
      PyObject_CallFunctionObjArgs(app_, environ.get(), server_.start_response_.get(), nullptr));
}

void Exchange::respond(PyObject* result) {
  if (PyList_CheckExact(result) || PyTuple_CheckExact(result)) {
    if (!response_.send_all(result)) {
      fail(kDone);
    }
    return;
  }
  const Ref close = find_close(result);
  const std::uint8_t flags = close ? 0 : kDone;
  if (!send_body(result)) {
    fail(flags);
  } else if (client_left()) {
    response_.abort(flags);
  } else if (!response_.end(flags)) {
    fail(flags);
  }
  if (close && !Ref::steal(PyObject_CallNoArgs(close.get()))) {
    log_and_forget();
  }
  if (!server_.control_.is_disowned()) {
    response_.done();
  }
}

Ref Exchange::find_close(PyObject* result) const {
  Ref close = Ref::steal(PyObject_GetAttr(result, server_.state_.close.get()));
  if (!close) {
    PyErr_Clear();
  }
  return close;
}

bool Exchange::send_body(PyObject* result) {
  const State& state = server_.state_;
  if (Py_TYPE(result) == reinterpret_cast<PyTypeObject*>(state.file_wrapper_type.get()) &&
      response_.can_send_file()) {
    if (const std::optional<RegularFile> file = find_regular_file(state, result)) {
      return response_.send_file(file->fd.get(), file->offset, file->bytes);
    }
  }
  return send_blocks(result);
}

bool Exchange::send_blocks(PyObject* result) {
  if (PyType_GetSlot(Py_TYPE(result), Py_sq_length) != nullptr) {
    if (PyObject_Size(result) == 1) {
      response_.expect_single_block();
    }
    PyErr_Clear();
  }
  const Ref iterator = Ref::steal(PyObject_GetIter(result));
  if (!iterator) {
    return false;
  }
  while (!response_.wants_no_more()) {
    const Ref block = Ref::steal(PyIter_Next(iterator.get()));
    if (!block) {
      return PyErr_Occurred() == nullptr;
    }
    if (!response_.send(block.get())) {
      return false;
    }
    if (client_left()) {
      return true;  // an endless stream ends here
    }
  }
  return true;
}

void Exchange::fail(std::uint8_t flags) {
  log_and_forget();
  if (!server_.control_.is_disowned()) {
    response_.fail(flags);
  }
}

void Exchange::log_and_forget() {
  std::string what("error in ");
  what.append(request_.method).append(" ").append(request_.target);
  log_exception(server_.state_, server_.control_, what);
  const bool leaves = exception_means_leave();
  Ref exception = take_exception();
  if (leaves) {
    leave_ = std::move(exception);
  }
}

// Server.

bool Server::serve(const Claimed& claimed, PyObject* app) {
  // Without a responder there is no memory left for the smallest object: the front will see the end
  // of the process and answer.
  return have_responder() && Exchange(*this, claimed, app).run();
}

bool Server::have_watch(channel::Ticket ticket) {
  if (watch_ && Py_REFCNT(watch_.get()) == 1) {
    unbox<ClientWatch>(watch_.get()).ticket = ticket;
    return true;
  }
  watch_ =
      Ref::steal(box<ClientWatch>(reinterpret_cast<PyTypeObject*>(state_.client_watch_type.get()),
                                  Ref::borrow(worker_), &region_, index_, ticket));
  return bool(watch_);
}

bool Server::have_responder() {
  constexpr Py_ssize_t kOurs = 3;  // responder_ and two bound methods
  if (responder_ && Py_REFCNT(responder_.get()) == kOurs && Py_REFCNT(start_response_.get()) == 1 &&
      Py_REFCNT(write_.get()) == 1) {
    return true;
  }
  auto* type = reinterpret_cast<PyTypeObject*>(state_.responder_type.get());
  responder_ = Ref::steal(box<Response>(type, end_, control_));
  if (responder_) {
    start_response_ = Ref::steal(PyObject_GetAttrString(responder_.get(), "start_response"));
    write_ = Ref::steal(PyObject_GetAttrString(responder_.get(), "write"));
  }
  return responder_ && start_response_ && write_;
}

}  // namespace forebay::extension
