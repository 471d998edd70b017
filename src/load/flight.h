#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/list.h"
#include "load/hit.h"
#include "load/targets.h"
#include "load/url.h"
#include "net/timeouts.h"

namespace forebay::load {

class Client;
class Connection;
class Opening;
struct Origin;

/// One request as it goes over a connection.
struct Request {
  std::string method;
  std::string url_text;
  Url url;
  HeaderFields headers;
  std::shared_ptr<const std::string> body;
  Origin* origin = nullptr;
  std::string head;  // HTTP/1.1: the request line and the fields, but for those of one hit
};

struct UnderWayTag {};
struct WaitingTag {};

/// A hit under way. Whoever made it owns it; the client and one connection know it meanwhile.
struct Flight final : Link<UnderWayTag>, Link<WaitingTag>, net::Timeout {
  std::unique_ptr<Hit> hit = std::make_unique<Hit>();
  Target room;                       // of a lazy target
  const Request* request = nullptr;  // what is asked for now
  std::unique_ptr<Request> own;      // of a lazy target or a redirect
  TimePoint intended;
  TimePoint sent;                    // TimePoint{}: nothing was sent yet
  TimePoint first_byte;              // of the last answer
  TimePoint done;                    // its last byte
  Connection* connection = nullptr;  // that carries it
  Opening* opening = nullptr;        // that is being made for it
  int redirects = 0;
  int tries = 0;  // after the first
  Client* client = nullptr;

  void timed_out() override;
};

}  // namespace forebay::load
