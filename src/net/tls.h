#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/stream.h"
#include "net/transport.h"

namespace forebay::net {

struct TlsOptions {
  std::vector<std::string> root_certs = {};  // PEM files; empty: the system's
  bool insecure = false;                     // the server's certificate is not checked
  std::string certificate = {};        // PEM file of the client's, with its chain; empty: none
  std::string key = {};                // PEM file; empty: it is in `certificate` as well
  std::vector<std::string> alpn = {};  // what we speak, the best first: {"h2", "http/1.1"}
  bool session_tickets = false;        // later connections to a host resume the session
};

/// What the TLS connections (1.2 and 1.3) of one thread share: trust, our own certificate,
/// sessions. By OpenSSL, which locks too much to be shared between threads.
class TlsContext {
 public:
  /// Errors: which file, and what is wrong with it.
  static Result<std::unique_ptr<TlsContext>> make(const TlsOptions& options);
  ~TlsContext();
};

/// The client's end of a TLS connection. Until the handshake is done nothing is read, written or
/// told to the user.
class TlsStream final : public Transport, private Transport::User {
 public:
  using Done = std::move_only_function<void(Result<void>)>;

  /// `socket` is connected and non-blocking. `host`, a name or an address, is what the server's
  /// certificate must be for, and a name is sent to it as SNI. The context outlives the stream.
  TlsStream(Poller& poller, Fd socket, Transport::User& user, TlsContext& context,
            std::string_view host);
  ~TlsStream() override;

  /// To be called once. `done` is called once, from within Poller::poll(), and may destroy the
  /// stream; close() cancels. Errors: what is wrong with the certificate and what to do, what the
  /// server said, or that it closed the connection.
  void handshake(Done done);

  /// After the handshake: the protocol chosen, "" if the server did not choose.
  [[nodiscard]] std::string_view alpn() const;
  /// After the handshake: a session of before was resumed.
  [[nodiscard]] bool resumed() const;
  /// After the handshake: "TLSv1.3".
  [[nodiscard]] std::string_view version() const;

  /// As of Transport. A write that was not taken whole must be followed by one that begins with the
  /// same bytes that were not taken.
};

}  // namespace forebay::net
