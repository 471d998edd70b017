#pragma once

#include <optional>
#include <string_view>

#include "load/client.h"
#include "net/dial.h"

namespace forebay::load {

/// A connection that is being made for a flight: its name is resolved, it is dialled, TLS shakes
/// hands. Tells the client, never from within begin().
class Opening {
 public:
  Opening(Client& client, Flight& flight) : client_(client), flight_(flight) {}
  Opening(const Opening&) = delete;
  Opening& operator=(const Opening&) = delete;

  void begin(Origin& origin);
  /// The client is told nothing more.
  void cancel();
  [[nodiscard]] Flight& flight() const { return flight_; }

 private:
  void resolved(Result<net::Resolver::Addresses> addresses);
  void dial();
  void dialled(std::expected<Fd, net::DialError> result);
  void shake_hands(Fd socket);
  void secured(const Result<void>& result);
  /// Time since the last call, in the hit.
  void took(Duration& phase);

  Client& client_;
  Flight& flight_;
  TimePoint since_;  // of the step under way
  net::Resolver::Addresses addresses_;
  std::size_t tried_ = 0;  // of the addresses
  std::optional<net::Resolver::Lookup> lookup_;
  std::optional<net::Dial> dial_;
  std::unique_ptr<Line> line_;
};

}  // namespace forebay::load
