#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "front/forwarded.h"
#include "http/request.h"
#include "queue/queue.h"

namespace forebay::front {

/// Everything the front can be told. Defaults are what users get.
struct Settings {
  http::RequestLimits limits;
  Forwarding forwarding;
  queue::Policy queue;

  Duration head_timeout =
      std::chrono::seconds(30);  // first byte of a request to the end of its head
  Duration body_timeout = std::chrono::seconds(60);   // without a byte of the body
  Duration write_timeout = std::chrono::seconds(60);  // a client that takes not a byte
  Duration keep_alive =
      std::chrono::seconds(75);  // longer than load balancers' (60 s): they close first

  std::uint64_t body_memory = 64 * 1024;   // of a request body; the rest goes to an unlinked file
  std::uint64_t spool_memory = 64 * 1024;  // of a response that its reader does not take
  std::uint64_t spool_max = std::uint64_t{1} << 30;  // then the worker waits
  std::string spool_directory = "/tmp";

  std::size_t connections_max = 10'000;
  std::string health_path;  // answered by the front itself, "" = none
};

}  // namespace forebay::front
