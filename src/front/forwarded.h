#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "http/request.h"
#include "net/network_set.h"

namespace forebay::front {

/// Where a request really came from and what it asked for there, as far as a proxy in front of us
/// says so. Views into the request's head and into Forwarding.
struct Origin {
  bool https = false;            // else as the listener is
  std::string_view script_name;  // what comes before the application's own paths, "" or "/shop"
  std::string_view path;         // the rest of the path, with the query
  std::string_view client;       // its address in numbers; empty: not said
};

/// What to make of the fields that proxies add, as gunicorn does it. Only proxies that are trusted
/// are listened to; for others these are fields like any other.
struct Forwarding {
  /// A field that says that the client speaks https to the proxy.
  struct SchemeField {
    std::string name;
    std::string value;  // any other value means http
  };

  net::NetworkSet trusted = *net::NetworkSet::parse("127.0.0.1,::1");
  std::vector<SchemeField> scheme_fields{
      {"X-Forwarded-Protocol", "ssl"}, {"X-Forwarded-Proto", "https"}, {"X-Forwarded-Ssl", "on"}};
  /// Field names with '_' that a trusted proxy may send.
  std::vector<std::string> forwarder_fields{"SCRIPT_NAME", "PATH_INFO"};
  std::string script_name;  // where no proxy says another one; no '/' at its end
  bool client = false;      // whether the client's address is taken from X-Forwarded-For

  /// `host` of the peer as Address::host() says it. Who reaches a unix socket is trusted: its
  /// permissions decide who does.
  [[nodiscard]] bool trusts(std::string_view host) const {
    return host.empty() || trusted.contains(host);
  }

  /// Errors: the status and why. 400: the proxy contradicts itself; 404: the path does not begin
  /// with the script name.
  [[nodiscard]] std::expected<Origin, http::ParseError> origin(const http::RequestHead& head,
                                                               bool from_trusted) const;

 private:
  /// What a trusted proxy says. False: it contradicts itself.
  [[nodiscard]] bool read_fields(const http::RequestHead& head, Origin& origin) const;
  [[nodiscard]] std::string_view client_of(const http::RequestHead& head) const;
};

}  // namespace forebay::front
