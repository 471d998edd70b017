#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <string>

#include "base/fd.h"
#include "net/address.h"
#include "net/poller.h"

namespace forebay::net {

/// Why there is no connection.
struct DialError {
  enum class Kind : std::uint8_t {
    kRefused,        // nobody listens
    kBacklogFull,    // unix only: the listener accepts too slowly; TCP would try again and again
    kNoDescriptors,  // of this process or of the system
    kNoLocalPorts,   // all are taken by connections to this address, or wait (TIME_WAIT)
    kOther
  };
  Kind kind = Kind::kOther;
  int code = 0;  // errno(3)

  /// The system's words, and what to do where that is known: "Connection refused".
  [[nodiscard]] std::string text() const;
};

/// Opens one connection, TCP or unix, without blocking (connect(2)). `done` is called once, from
/// within Poller::poll(), never from within the constructor, and may destroy the Dial; destroying
/// it earlier cancels. The socket is non-blocking, TCP has TCP_NODELAY. There is no time limit: who
/// loses patience destroys it.
class Dial final : private Polled {
 public:
  using Done = std::move_only_function<void(std::expected<Fd, DialError>)>;

  /// `from`: the address of this end (-laddr), or null for the kernel's choice; port 0 for any.
  /// Ignored for unix sockets.
  Dial(Poller& poller, const Address& to, const Address* from, Done done);
  Dial(const Dial&) = delete;
  Dial& operator=(const Dial&) = delete;
  ~Dial();

 private:
  void ready(std::uint32_t events) override;
  int start(const Address& to, const Address* from);
  int wait_connected();
  [[nodiscard]] int outcome() const;

  Poller& poller_;
  Done done_;
  Fd socket_;
  bool unix_;
  bool waiting_ = false;  // socket_ is in the poller
  int code_ = 0;          // errno of start()
};

}  // namespace forebay::net
