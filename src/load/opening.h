#pragma once

#include <optional>

#include "load/client.h"
#include "net/dial.h"

namespace forebay::load {

/// A connection that is being made for a flight: its name is resolved, it is dialled, TLS shakes
/// hands. Tells the client; destroying it cancels.
class Opening {
 public:
  Opening(Client& client, net::Loop& loop, const ClientOptions& options, Origin& origin,
          Flight& flight);
  Opening(const Opening&) = delete;
  Opening& operator=(const Opening&) = delete;

  [[nodiscard]] Flight& flight() const { return flight_; }

 private:
  void dial();
  void dialled(std::expected<Fd, net::DialError> result);

  Client& client_;
  net::Loop& loop_;
  const ClientOptions& options_;
  Origin& origin_;
  Flight& flight_;
  TimePoint since_;  // of the step under way
  std::optional<net::Dial> dial_;
};

}  // namespace forebay::load
