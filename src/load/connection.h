#pragma once

#include <string_view>

#include "base/list.h"
#include "load/flight.h"

namespace forebay::load {

struct AvailableTag {};

/// A connection of the client's, to one origin. The client owns it.
class Connection : public Link<AvailableTag> {
 public:
  /// What becomes of its flights. Calls may come from within send().
  class User {
   public:
    /// The answer is complete. `reusable`: the connection can carry another one.
    virtual void answered(Connection& connection, Flight& flight, bool reusable) = 0;
    /// The flight is over without an answer, and so is the connection, unless it is shared. `what`
    /// are words for the report. `unseen`: the server has not begun to answer.
    virtual void broke(Connection& connection, Flight& flight, Failure failure,
                       std::string_view what, bool unseen) = 0;
    /// The connection is over, and carries nothing.
    virtual void closed(Connection& connection) = 0;
    /// A shared one may be able to carry more.
    virtual void has_room(Connection& connection) = 0;

   protected:
    ~User() = default;
  };

  virtual ~Connection() = default;
  virtual void send(Flight& flight) = 0;
  /// Nothing more is told about this flight. False: the connection is of no use any more.
  virtual bool abandon(Flight& flight) = 0;
  /// Nothing more is told at all.
  virtual void close() = 0;
  /// It carries several flights at once.
  [[nodiscard]] virtual bool shared() const { return false; }
  /// One more can be sent on a shared one.
  [[nodiscard]] virtual bool ready() const { return true; }

  Origin* origin = nullptr;
  bool used = false;  // has carried an answer
};

}  // namespace forebay::load
