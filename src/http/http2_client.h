#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/field.h"

namespace forebay::http {

struct Http2Limits {
  std::size_t head_bytes = 1 << 20;     // of one answer, names and values; beyond: it is reset
  std::uint32_t streams = 1 << 16;      // at once, whatever the server permits
  std::int32_t window_bytes = 1 << 24;  // a stream's, and the connection's, for answers
};

struct Http2Request {
  std::string_view method = {};
  std::string_view scheme = {};     // "https", "http"
  std::string_view authority = {};  // "example.com:8443"
  std::string_view path = {};       // with query
  std::span<const Field> fields =
      {};                      // names in lower case, none of HTTP/1's connection-level ones
  std::string_view body = {};  // must live until the stream has ended; the rest is copied
};

/// The client's end of one HTTP/2 connection (RFC 9113), by nghttp2: bytes in, bytes out. Many
/// requests at once. One thread; no I/O.
///
///   receive(what was read); then write what pending_output() says, and tell it by sent().
class Http2Client {
 public:
  /// Who has sent a request: told of its answer from within receive(), or from within
  /// pending_output() if the stream fails there. Must live until ended() or cancel().
  class Exchange {
   public:
    /// The final answer's. Fields are valid within the call only.
    virtual void head(int status, std::span<const Field> fields) = 0;
    virtual void body(std::string_view piece) = 0;
    /// Nothing more is told. `code` 0: the answer is complete; else the RST_STREAM or GOAWAY code
    /// (RFC 9113 section 7).
    virtual void ended(std::uint32_t code) = 0;

   protected:
    ~Exchange() = default;
  };

  explicit Http2Client(const Http2Limits& limits);
  ~Http2Client();

  /// One more request may be sent now: within the streams that both sides permit, and before a
  /// GOAWAY.
  [[nodiscard]] bool ready() const;
  /// The same while nothing else is under way: false means that this connection is worn.
  [[nodiscard]] bool usable() const;
  /// Requests whose answers are not complete.
  [[nodiscard]] std::size_t open() const;

  /// Begins a request; its id for cancel(). Only if ready().
  std::int32_t send(const Http2Request& request, Exchange& exchange);
  /// RST_STREAM with CANCEL; nothing more is told to its exchange.
  void cancel(std::int32_t id);

  /// Errors, for good: what the peer sent is no HTTP/2.
  Result<void> receive(std::string_view bytes);
  /// What is to be written next, "" if nothing; valid until the next call that is not const.
  std::string_view pending_output();
  void sent(std::size_t bytes);

  /// Ends all exchanges with `code`: the connection broke.
  void abandon(std::uint32_t code);
};

/// "REFUSED_STREAM".
std::string_view http2_error_name(std::uint32_t code);

}  // namespace forebay::http
