#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "load/client_options.h"
#include "load/connection.h"
#include "load/flight.h"
#include "load/line.h"
#include "net/address.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "net/timeouts.h"
#include "net/timer.h"
#include "net/tls.h"

namespace forebay::load {

/// A server: scheme, host and port, with the connections to it.
struct Origin {
  bool tls = false;
  std::string host;
  std::uint16_t port = 0;
  Dialled dialled;
  std::size_t next_dialled = 0;
  std::size_t connections = 0;               // open, or being opened
  std::size_t openings = 0;                  // of them
  std::optional<bool> multiplexed;           // HTTP/2; nothing: not known yet
  List<Connection, AvailableTag> available;  // the last used at the back
  std::size_t available_count = 0;
  List<Flight, WaitingTag> waiting;  // for a connection
};

/// The HTTP client of one thread: takes flights, connects, sends, follows redirects, and tells when
/// they are over.
class Client final : private Connection::User {
 public:
  /// `done` is called once for each flight that send() took, maybe from within it. Errors:
  /// certificates, DNS servers.
  static Result<std::unique_ptr<Client>> make(net::Loop& loop, const ClientOptions& options,
                                              std::function<void(Flight&)> done);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  /// `flight.intended` is set, and `flight.hit` as far as it is known before.
  void send(Flight& flight, const Target& target, TimePoint now);
  /// Ends a flight that is not over.
  void give_up(Flight& flight, Failure failure);
  [[nodiscard]] std::uint64_t opened() const { return opened_; }

 private:
  Client(net::Loop& loop, const ClientOptions& options, std::function<void(Flight&)> done);
  friend struct Flight;
  friend class Opening;

  Result<net::TlsContext*> tls();
  const Request& request_for(Flight& flight, const Target& target);
  Request prepare(const Target& target);
  [[nodiscard]] Dialled dialled_for(const Url& url) const;
  Origin& origin_of(const Url& url);
  void place(Flight& flight);
  void open(Flight& flight);
  void opened(Opening& opening, std::unique_ptr<Line> line);
  void not_opened(Opening& opening, Failure failure, std::string_view what);
  void carry(Connection& connection, Flight& flight);
  std::unique_ptr<Connection> connect(std::unique_ptr<Line> line, bool http2);
  void make_available(Connection& connection);
  void make_unavailable(Connection& connection);
  void discard(Connection& connection);
  void bury(Opening& opening);
  void place_waiting(Origin& origin);
  bool redirect(Flight& flight);
  void fail(Flight& flight, Failure failure, std::string_view what);
  void finish(Flight& flight);
  void expire_timeouts();

  void answered(Connection& connection, Flight& flight, bool reusable) override;
  void broke(Connection& connection, Flight& flight, Failure failure, std::string_view what,
             bool unseen) override;
  void closed(Connection& connection) override;
  void has_room(Connection& connection) override;

  net::Loop& loop_;
  const ClientOptions& options_;
  std::function<void(Flight&)> done_;
  std::unique_ptr<net::Resolver> resolver_;
  std::unique_ptr<net::TlsContext> tls_;
  std::vector<char> room_;  // where answers are read to
  net::TimeoutList timeouts_;
  net::Timer timeout_timer_;
  std::unordered_map<std::string, std::unique_ptr<Origin>> origins_;
  std::unordered_map<Connection*, std::unique_ptr<Connection>> connections_;
  std::unordered_map<Opening*, std::unique_ptr<Opening>> openings_;
  std::unordered_map<const Target*, Request> requests_;  // of targets that come again
  std::uint64_t opened_ = 0;
};

}  // namespace forebay::load
