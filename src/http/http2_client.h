#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/field.h"

struct nghttp2_session;

namespace forebay::http {

struct Http2Limits {
  std::size_t head_bytes = 1 << 20;     // of one answer with its interim ones; beyond: it is reset
  std::size_t streams = 1 << 16;        // at once, whatever the server permits
  std::int32_t window_bytes = 1 << 24;  // of each stream, and of the connection, for answers
};

struct Http2Request {
  std::string_view method = {};
  std::string_view scheme = {};     // "https", "http"
  std::string_view authority = {};  // "example.com:8443"
  std::string_view path = {};       // with query
  // Names in any case. Connection-level ones are left out, and Host, which is the authority.
  std::span<const Field> fields = {};
  std::string_view body = {};  // must live until ended() or cancel(); all else is copied
};

/// The client's end of one HTTP/2 connection (RFC 9113), by nghttp2: bytes in, bytes out. Many
/// requests at once. One thread; no I/O.
///
///   receive(what was read); then write what pending_output() says, and tell it by sent().
class Http2Client {
 public:
  /// Who has sent a request: told of its answer from within receive(), pending_output() or
  /// abandon(). In these calls other requests may be sent or cancelled, but the client must live
  /// on.
  class Exchange {
   public:
    /// The final answer's; interim ones (1xx) and trailers are skipped. Valid within the call only.
    virtual void head(int status, std::span<const Field> fields) = 0;
    virtual void body(std::string_view piece) = 0;
    /// Nothing more is told. `code` 0: the answer is complete; else why it is not, from RST_STREAM
    /// or GOAWAY (RFC 9113 section 7). REFUSED_STREAM: the server has not looked at it.
    virtual void ended(std::uint32_t code) = 0;

   protected:
    ~Exchange() = default;
  };

  explicit Http2Client(const Http2Limits& limits);
  Http2Client(const Http2Client&) = delete;
  Http2Client& operator=(const Http2Client&) = delete;
  ~Http2Client();

  /// Another request may be sent now: usable(), and within the streams that both sides permit,
  /// which are 100 until the server has said its number.
  [[nodiscard]] bool ready() const;
  /// Other requests may be sent, now or later: there was no error and no GOAWAY, and there are
  /// numbers left for streams.
  [[nodiscard]] bool usable() const;
  /// Streams under way, cancelled ones included until that is on its way to the server.
  [[nodiscard]] std::size_t streams() const { return streams_.size(); }

  /// Begins a request; its number for cancel(). Only if ready().
  std::int32_t send(const Http2Request& request, Exchange& exchange);
  /// Nothing more is told to its exchange; RST_STREAM with CANCEL follows. Not after ended().
  void cancel(std::int32_t stream);

  /// Errors, for good: what the server sent is no HTTP/2. What is open is to be abandoned.
  Result<void> receive(std::string_view bytes);
  /// What is to be written next, "" if nothing; valid until the next call that is not const.
  std::string_view pending_output();
  void sent(std::size_t bytes);

  /// Ends all exchanges with `code`: the connection is over.
  void abandon(std::uint32_t code);

 private:
  struct Stream;
  struct Callbacks;
  friend struct Callbacks;
  struct Free {
    void operator()(nghttp2_session* session) const;
  };

  void fill_output();

  const Http2Limits limits_;
  std::unique_ptr<nghttp2_session, Free> session_;
  std::map<std::int32_t, std::unique_ptr<Stream>> streams_;
  std::string output_;
  std::size_t output_start_ = 0;  // of what was not sent
  std::string complaint_;         // of nghttp2
  bool settings_seen_ = false;
  bool failed_ = false;
};

/// "REFUSED_STREAM".
std::string_view http2_error_name(std::uint32_t code);

}  // namespace forebay::http
