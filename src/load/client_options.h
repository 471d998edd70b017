#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "load/hit.h"
#include "net/address.h"
#include "net/resolver.h"
#include "net/tls.h"

namespace forebay::load {

/// Hosts and ports that are dialled in turn.
using Dialled = std::vector<std::pair<std::string, std::uint16_t>>;

/// How an attack connects and asks.
struct ClientOptions {
  Duration timeout = std::chrono::seconds(30);  // of a whole exchange; 0: none
  int redirects = 10;                           // -1: not followed, and a success
  std::int64_t body_kept_max = -1;              // bytes of an answer's body that are kept; -1: all
  bool keep_alive = true;
  bool chunked = false;                       // request bodies without a length
  std::size_t idle_max = 10'000;              // idle connections kept per host
  std::size_t connections_max = 0;            // per host; 0: no limit
  std::optional<net::Address> unix_socket;    // dialled for every target
  std::optional<net::Address> local_address;  // of TCP connections
  std::map<std::string, Dialled> connect_to;  // by "host:port" of the URL
  net::ResolverOptions resolver;
  net::TlsOptions tls;
  bool tls_expected = false;           // some target is https
  bool http2_prior_knowledge = false;  // -h2c: HTTP/2 without TLS
  std::string name;                    // of the attack, told in X-Vegeta-Attack; "" = none
};

}  // namespace forebay::load
