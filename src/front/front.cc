#include "front/front.h"

#include <sys/socket.h>

#include <cstring>
#include <memory>

namespace forebay::front {
namespace {

constexpr std::chrono::milliseconds kFlushAgain{200};
/// A connection younger than this makes no room for others.
constexpr std::chrono::seconds kIdleMin{1};
constexpr std::chrono::seconds kSayAgain{10};

}  // namespace

Front::Front(net::Loop& loop, Settings settings, Log& log, std::optional<AccessLog> access_log)
    : loop_(loop),
      settings_(std::move(settings)),
      trusted_limits_(settings_.limits),
      log_(log),
      access_log_(std::move(access_log)),
      flush_timer_(loop),
      refusal_log_(loop, log),
      ticker_(loop, settings_),
      memory_return_(loop),
      bodies_(settings_.queue.bytes_max),
      spool_(settings_.spool_total_max),
      marker_(settings_.marking),
      dispatcher_(loop, settings_.queue, metrics_) {
  trusted_limits_.underscore_exceptions = settings_.forwarding.forwarder_fields;
}

Front::~Front() = default;

void Front::add_listener(net::Listener listener) { listeners_.push_back(std::move(listener)); }

void Front::start_accepting() {
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    const auto index = static_cast<std::uint16_t>(i);
    listeners_[i].accept_on(
        loop_, [this, index](Fd socket) { accept(std::move(socket), index); },
        [this](int code) {
          close_idle();
          if (!std::exchange(out_of_descriptors_, true)) {
            log_.error(
                "cannot accept connections for now: {}. Raise the limit (ulimit -n, "
                "LimitNOFILE=) or lower --max-connections",
                std::strerror(code));
          }
        });
  }
}

void Front::accept(Fd socket, std::uint16_t listener) {
  out_of_descriptors_ = false;
  if (metrics_.connections >= settings_.connections_max && !close_idle()) {
    return refuse(std::move(socket));
  }
  ++metrics_.connections_accepted;
  ++metrics_.connections;
  memory_return_.opened(metrics_.connections);
  auto owned = std::make_unique<Connection>(*this, std::move(socket), listener);
  Connection& connection = *owned;
  connections_.push_back(connection);
  if (draining_) {
    connection.drain();
  }
  net::spawn(connection.run(),
             [this, owned = std::move(owned)]() mutable { ended(std::move(owned)); });
}

/// Not one that has only just come: its request may be under way.
bool Front::close_idle() {
  const std::size_t before = metrics_.connections;
  ticker_.keep_alive.expire_first(Clock::now(), kIdleMin);
  const bool closed = metrics_.connections < before;
  metrics_.connections_evicted += closed ? 1 : 0;
  return closed;
}

/// At the limit a client gets an answer rather than a place in a queue that nobody sees.
void Front::refuse(Fd socket) {
  ++metrics_.connections_refused;
  constexpr std::string_view kFull =
      "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n"
      "Content-Length: 0\r\n\r\n";
  ::send(socket.get(), kFull.data(), kFull.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void Front::ended(std::unique_ptr<Connection> connection) {
  --metrics_.connections;
  memory_return_.closed(metrics_.connections);
  // Destroyed later: the connection's event may still be on the stack.
  loop_.post([this, owned = std::move(connection)]() mutable {
    owned.reset();
    if (draining_ && connections_.empty() && drained_) {
      std::exchange(drained_, nullptr)();
    }
  });
}

void Front::drain(std::function<void()> drained) {
  draining_ = true;
  for (net::Listener& listener : listeners_) {
    listener.stop_accepting();
  }
  listeners_.clear();
  if (connections_.empty()) {
    drained();
    return;
  }
  drained_ = std::move(drained);
  Connection* next = nullptr;
  for (Connection* c = connections_.front(); c != nullptr; c = next) {
    next = connections_.next(*c);
    c->drain();
  }
}

void Front::finished(const Record& record) {
  metrics_.count(record);
  refusal_log_.count(record.reason);
  if (!access_log_) {
    return;
  }
  access_log_->write(record);
  if (!std::exchange(flush_posted_, true)) {
    loop_.post([this] { flush_access_log(); });
  }
}

void Front::no_room_for_body(const Error& error) {
  const TimePoint now = Clock::now();
  if (now - no_room_said_ > kSayAgain) {
    no_room_said_ = now;
    log_.error("requests are answered 503, there is no room for their bodies: {}", error.message);
  }
}

void Front::unknown_proxy(std::string_view host) {
  const TimePoint now = Clock::now();
  if (now - unknown_proxy_said_ > kSayAgain) {
    unknown_proxy_said_ = now;
    log_.warning(
        "a connection from {} was closed: with --proxy-protocol only the proxies of "
        "--proxy-allow-from may connect",
        host);
  }
}

/// Whoever reads the log may be stuck: then again, and again, but nothing else waits for it.
void Front::flush_access_log() {
  LogFile& file = access_log_->file();
  file.flush();
  const bool lost = file.dropped() != std::exchange(metrics_.access_log_dropped, file.dropped());
  if (lost && !std::exchange(dropping_, true)) {
    log_.warning(
        "nobody reads the access log, or too slowly, or its disk is full: lines of it are dropped");
  }
  if (!file.pending()) {
    flush_posted_ = false;
    dropping_ = lost;
    return;
  }
  flush_timer_.after(kFlushAgain, [this] { flush_access_log(); });
}

void Front::reopen_logs() {
  const Result<void> log = log_.reopen();
  const Result<void> access = access_log_ ? access_log_->file().reopen() : Result<void>();
  for (const Result<void>& result : {log, access}) {
    if (!result) {
      log_.error("{}; going on with the old file", result.error().message);
    }
  }
}

}  // namespace forebay::front
