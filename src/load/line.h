#pragma once

#include <memory>
#include <string_view>

#include "base/fd.h"
#include "net/poller.h"
#include "net/tls.h"
#include "net/transport.h"

namespace forebay::load {

/// A transport whose user is known only later: which protocol is spoken is found out in the TLS
/// handshake.
class Line final : private net::Transport::User {
 public:
  /// Plain.
  Line(net::Poller& poller, Fd socket);
  /// TLS, before its handshake.
  Line(net::Poller& poller, Fd socket, net::TlsContext& context, std::string_view host);

  void set_user(net::Transport::User& user) { user_ = &user; }
  [[nodiscard]] net::Transport& transport() { return *transport_; }
  /// Null for a plain one.
  [[nodiscard]] net::TlsStream* tls() { return tls_; }

 private:
  void readable() override;
  void writable() override;

  std::unique_ptr<net::Transport> transport_;
  net::TlsStream* tls_ = nullptr;
  net::Transport::User* user_ = nullptr;
};

}  // namespace forebay::load
