#pragma once

#include <string>

#include "front/front.h"
#include "net/listener.h"

namespace forebay::front {

/// The admin listener: what operators and their tools ask. It never queues, so it answers however
/// long the queue is.
///
///   /livez /healthz  the front's loop runs        /metrics      Prometheus text
///   /readyz          a worker takes requests      /status.json  the same for people and scripts
///   /queue           every waiting request
class Admin {
 public:
  Admin(Front& front, net::Listener listener) : front_(front), listener_(std::move(listener)) {}

  void start();
  [[nodiscard]] const net::Address& address() const { return listener_.address(); }

 private:
  struct Page {
    int status = 200;
    std::string_view type = "text/plain; charset=utf-8";
    std::string body;
  };
  net::Task<void> serve(Fd socket);
  [[nodiscard]] Page page(std::string_view method, std::string_view path);
  [[nodiscard]] bool ready();
  [[nodiscard]] std::string status();
  [[nodiscard]] std::string queue();
  [[nodiscard]] Duration oldest_age();

  Front& front_;
  net::Listener listener_;
  std::size_t open_ = 0;
  http::RequestLimits limits_;
};

}  // namespace forebay::front
