#pragma once

#include <string_view>

#include "base/list.h"
#include "load/flight.h"

namespace forebay::load {

struct IdleTag {};

/// A connection of the client's, to one origin. The client owns it.
class Connection : public Link<IdleTag> {
 public:
  /// What becomes of its flights. Calls may come from within send().
  class User {
   public:
    /// The answer is complete. `reusable`: the connection can carry another one.
    virtual void answered(Connection& connection, Flight& flight, bool reusable) = 0;
    /// The flight is over without an answer, and so is the connection. `what` are words for the
    /// report. `nothing_came`: not a byte of an answer.
    virtual void broke(Connection& connection, Flight& flight, Failure failure,
                       std::string_view what, bool nothing_came) = 0;
    /// The server has closed it while it was idle.
    virtual void closed_idle(Connection& connection) = 0;

   protected:
    ~User() = default;
  };

  virtual ~Connection() = default;
  virtual void send(Flight& flight) = 0;
  /// Nothing more is told about this flight. False: the connection is of no use any more.
  virtual bool abandon(Flight& flight) = 0;

  Origin* origin = nullptr;
  bool used = false;  // has carried an answer
};

}  // namespace forebay::load
