#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "load/hit.h"

namespace forebay::load {

/// How an attack connects and asks.
struct ClientOptions {
  Duration timeout = std::chrono::seconds(30);  // of a whole exchange; 0: none
  int redirects = 10;                           // -1: not followed, and a success
  std::int64_t body_kept_max = -1;              // bytes of an answer's body that are kept; -1: all
  bool keep_alive = true;
  bool chunked = false;             // request bodies without a length
  std::size_t idle_max = 10'000;    // idle connections kept per host
  std::size_t connections_max = 0;  // per host; 0: no limit
  std::string unix_socket;          // dialled for every target; "" = none
  std::string name;                 // of the attack, told in X-Vegeta-Attack; "" = none
};

}  // namespace forebay::load
