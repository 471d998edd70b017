#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "channel/server_end.h"
#include "extension/control_line.h"
#include "extension/head.h"
#include "extension/py.h"

namespace forebay::extension {

/// The responses of one server, one after the other, as records in its ring.
///
///   begin() ... start() ... send()* ... end(), fail() or abort() ... done()
///
/// The head goes with the first bytes of the body, or at the end (PEP 3333 "Buffering and
/// Streaming"). Every block is committed before send() returns; it waits, without the GIL, while
/// the ring is full.
///
/// Called with the GIL in hand, mostly by the server's thread; start() and send() also by other
/// threads that the application gave start_response or write() to. A lock keeps their records
/// apart.
///
/// Invariants: between begin() and done(), kEnd or kAbort is committed once, then kDone once. After
/// done() nothing of the server is touched until the next begin().
class Response {
 public:
  Response(channel::ServerEnd& server, ControlLine& control) : server_(server), control_(control) {}

  /// `write`: what start_response() returns; lives until done().
  void begin(channel::Ticket ticket, bool body_wanted, PyObject* write);

  /// start_response(): returns write(). `exc_info` is None or a tuple (PEP 3333 "Error Handling").
  [[nodiscard]] Ref start(PyObject* status, PyObject* fields, PyObject* exc_info);
  /// One block of the body, cut where Content-Length says that it ends.
  [[nodiscard]] bool send(PyObject* block);
  /// The whole body, a list or tuple, and the end. The request is done then.
  [[nodiscard]] bool send_all(PyObject* blocks);
  /// The front frames a file by its length: that is known, or can still be told.
  [[nodiscard]] bool can_send_file() const { return !head_sent_ || head_.content_length(); }
  /// At most `bytes` of a file from `offset` on.
  [[nodiscard]] bool send_file(int fd, std::uint64_t offset, std::uint64_t bytes);

  /// The first block will be all of the body: its size can be told.
  void expect_single_block() { single_block_ = true; }
  /// Nothing that could still be sent would reach the client: the body has reached its
  /// Content-Length and goes on, or there is to be none.
  [[nodiscard]] bool wants_no_more() const { return cut_ || (head_sent_ && !may_have_body()); }

  // The end. `flags`: kDone when nothing remains to be done for the request, or 0.

  [[nodiscard]] bool end(std::uint8_t flags);
  /// Instead of what was started: 500 if nothing was sent yet, else no clean end.
  void fail(std::uint8_t flags);
  /// No answer at all.
  void abort(std::uint8_t flags);
  /// The server is free again, unless that was said already.
  void done();

 private:
  using Part = std::span<const std::byte>;
  using Lock = std::unique_lock<std::recursive_mutex>;

  [[nodiscard]] Lock lock();
  [[nodiscard]] bool check_open() const;
  [[nodiscard]] bool may_have_body() const { return body_wanted_ && !head_.is_bodiless(); }
  [[nodiscard]] std::string_view cut_to_length(std::string_view block);
  [[nodiscard]] bool send_at_once(std::string_view body);
  [[nodiscard]] bool send_bytes(std::string_view bytes, std::uint8_t last_flags);
  /// A record with the head and the first of `bytes`; takes those off.
  [[nodiscard]] bool send_head(std::string_view& bytes, std::uint8_t last_flags);
  [[nodiscard]] bool end_too_short(std::uint8_t flags);
  /// Waits for room. False: a signal handler has raised; nothing is committed then.
  [[nodiscard]] bool write(channel::RecordType type, std::uint8_t flags,
                           std::initializer_list<Part> parts);
  /// Like write(), but signal handlers run later.
  void write_surely(channel::RecordType type, std::uint8_t flags,
                    std::initializer_list<Part> parts);
  void note(channel::RecordType type, std::uint8_t flags);

  channel::ServerEnd& server_;
  ControlLine& control_;
  std::recursive_mutex mutex_;
  Head head_;
  std::string buffer_;
  channel::Ticket ticket_;
  PyObject* write_ = nullptr;
  std::uint64_t sent_ = 0;  // bytes of the body, also where the client does not want it
  bool open_ = false;       // from begin() to done()
  bool body_wanted_ = true;
  bool single_block_ = false;
  bool started_ = false;
  bool head_sent_ = false;
  bool over_ = false;  // kEnd or kAbort is committed
  bool cut_ = false;
};

/// The Python type around a Response, with the methods start_response and write.
[[nodiscard]] Ref make_responder_type(PyObject* module);

}  // namespace forebay::extension
