#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "front/arrivals.h"
#include "front/forwarded.h"
#include "front/marks.h"
#include "http/request.h"
#include "net/network_set.h"
#include "queue/queue.h"

namespace forebay::front {

/// Everything the front can be told. Defaults are what users get.
struct Settings {
  http::RequestLimits limits;
  Forwarding forwarding;
  bool proxy_protocol = false;  // each connection begins with it: see net::ProxyHeader
  net::NetworkSet proxies = *net::NetworkSet::parse("127.0.0.1,::1");  // who may speak it
  queue::Policy queue;
  ArrivalRules arrivals;

  Duration head_timeout =
      std::chrono::seconds(30);  // first byte of a request to the end of its head
  // A body has to come, and an answer to be taken, at this rate in each window of time.
  Duration body_timeout = std::chrono::seconds(60);
  std::uint64_t body_rate_min = 500;  // bytes per second; 0: a byte in each window
  Duration write_timeout = std::chrono::seconds(60);
  std::uint64_t write_rate_min = 500;
  Duration keep_alive =
      std::chrono::seconds(75);  // longer than load balancers' (60 s): they close first

  std::uint64_t body_memory = 64 * 1024;   // of a request body; the rest goes to an unlinked file
  std::uint64_t spool_memory = 64 * 1024;  // of a response that its reader does not take
  std::uint64_t spool_max = std::uint64_t{1} << 30;        // of one response; then the worker waits
  std::uint64_t spool_total_max = std::uint64_t{4} << 30;  // of all responses
  std::string spool_directory = "/tmp";

  std::size_t connections_max = 10'000;
  std::uint64_t requests_per_connection_max = 0;  // 0: no limit
  bool half_close = false;  // a client that sends no more may still want its answer
  Marking marking;
  std::string health_path;  // answered by the front itself, "" = none
};

}  // namespace forebay::front
