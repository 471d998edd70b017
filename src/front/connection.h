#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "front/answer.h"
#include "front/exchange.h"
#include "front/input.h"
#include "front/outbox.h"
#include "front/relay.h"
#include "http/request_parser.h"
#include "net/event.h"
#include "net/stream.h"
#include "net/task.h"
#include "net/timeouts.h"

namespace forebay::front {

class Front;

struct ConnectionTag {};

/// One client connection. run() is its whole life:
///
///   head > body > queue > answer > log, again and again, then a gentle close
///
/// Owned by the Front. Everything happens on the front's thread.
class Connection final : public Link<ConnectionTag>,
                         private net::Timeout,
                         private net::Stream::User {
 public:
  /// `socket` is non-blocking.
  Connection(Front& front, Fd socket, std::uint16_t listener);

  net::Task<void> run();
  /// The server is stopping: an idle connection closes, a busy one after its answer.
  void drain();

 private:
  /// Learns from the proxy that has connected who the client is. False: it may not say so, or did
  /// not.
  net::Task<bool> read_proxy_header();
  /// Waits for a request's head. False: there will be none, or it was refused.
  net::Task<bool> read_head();
  /// Handles one request. False: the connection ends.
  net::Task<bool> handle();
  /// Collects the body. False: it never became complete, or was refused.
  net::Task<bool> read_body(Exchange& exchange);
  /// Adds to the body what is there of it, with one read at most. kNeedMore, kComplete or kError.
  /// Errors: there is no room for it.
  Result<http::RequestParser::Event> collect(Body& body);
  /// Through queue and backend to the answer. False: the connection ends.
  net::Task<bool> serve(Exchange& exchange, Relay& relay);
  /// Gives an answer of our own. False: the connection ends.
  net::Task<bool> answer(Answer answer, const Exchange& exchange);
  /// Refuses what is no complete request. Always false: nothing after it can be understood.
  net::Task<bool> refuse(Answer answer);
  /// Until everything that was sent is in the kernel's hands, or cannot be.
  net::Task<void> drained();
  net::Task<void> close();

  /// Parses what has arrived; kNeedMore: all of it was consumed.
  http::RequestParser::Event parse();
  /// The client has sent something that was not parsed yet.
  [[nodiscard]] bool arriving() const;
  /// Nothing more is heard of the client.
  [[nodiscard]] bool silenced() const { return input_.gone() || out_.failed(); }
  /// It does not wait for an answer any more. Who has only closed its own side is taken to be
  /// gone, unless told otherwise: from here the two look the same.
  [[nodiscard]] bool client_left() const;
  [[nodiscard]] http::RequestFacts facts() const;
  void mark(Exchange& exchange, Relay& relay);
  /// Sets how it differs from others for the queue, as far as its head says.
  void read_arrival(Exchange& exchange) const;
  /// Sets what proxies say about where the request came from. Errors: see Forwarding::origin().
  [[nodiscard]] std::expected<void, http::ParseError> find_origin(Exchange& exchange) const;
  void log(const Exchange* exchange, int status, std::uint64_t bytes, Reason reason);
  void timed_out() override;
  void readable() override { input_.readable(); }
  void writable() override { out_.writable(); }

  /// Who is at the other end.
  struct Peer {
    std::string host;  // "" for unix sockets
    std::uint16_t port = 0;
    bool trusted = false;  // a proxy whose fields count
  };
  static Peer peer_of(const Front& front, int socket);
  /// It may speak the PROXY protocol. Who reaches a unix socket may always.
  [[nodiscard]] bool may_speak_for_others() const;

  Front& front_;
  net::Stream stream_;
  net::Event changed_;
  Input input_;
  Outbox out_;
  Peer peer_;
  http::RequestParser parser_;
  TimePoint began_;             // of the current request
  std::uint64_t requests_ = 0;  // the current one included
  std::uint16_t listener_;
  bool have_head_ = false;  // parser_.head() is there
  bool linger_ = false;     // unread bytes of the client may be under way
  bool timed_out_ = false;
  bool draining_ = false;
};

}  // namespace forebay::front
