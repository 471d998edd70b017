#include "load/client.h"

#include <utility>

#include "base/check.h"
#include "base/text.h"
#include "load/http1_connection.h"
#include "load/opening.h"
#include "load/request_head.h"

namespace forebay::load {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;
/// How exactly -timeout is kept.
constexpr Duration kTimeoutGrain = std::chrono::milliseconds(5);

/// RFC 9110 section 9.2.2: may be sent again when nobody knows whether it was seen.
bool idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "TRACE" ||
         method == "PUT" || method == "DELETE";
}

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

const std::string* find(const HeaderFields& fields, std::string_view name) {
  for (const auto& [key, value] : fields) {
    if (equal_ignoring_case(key, name)) {
      return &value;
    }
  }
  return nullptr;
}

}  // namespace

void Flight::timed_out() {
  client->give_up(*this, connection == nullptr ? Failure::kConnectTimeout : Failure::kTimeout);
}

Client::Client(net::Loop& loop, const ClientOptions& options, std::function<void(Flight&)> done)
    : loop_(loop),
      options_(options),
      done_(std::move(done)),
      room_(kReadBytes),
      timeouts_(options.timeout),
      timeout_timer_(loop) {}

Result<std::unique_ptr<Client>> Client::make(net::Loop& loop, const ClientOptions& options,
                                             std::function<void(Flight&)> done) {
  std::unique_ptr<Client> client(new Client(loop, options, std::move(done)));
  Result<std::unique_ptr<net::Resolver>> resolver = net::Resolver::make(loop, options.resolver);
  if (!resolver) {
    return std::unexpected(resolver.error());
  }
  Result<std::unique_ptr<net::TlsContext>> tls = net::TlsContext::make(options.tls);
  if (!tls) {
    return std::unexpected(tls.error());
  }
  client->resolver_ = std::move(*resolver);
  client->tls_ = std::move(*tls);
  return client;
}

Client::~Client() = default;

/// Where connections for a URL go: to its host, or where -connect-to says.
Dialled Client::dialled_for(const Url& url) const {
  const auto other = options_.connect_to.find(format("{}:{}", url.host, url.port));
  return other == options_.connect_to.end() ? Dialled{{url.host, url.port}} : other->second;
}

Origin& Client::origin_of(const Url& url) {
  std::unique_ptr<Origin>& origin = origins_[(url.tls ? "https://" : "http://") + url.authority()];
  if (!origin) {
    origin = std::make_unique<Origin>();
    origin->tls = url.tls;
    origin->host = url.host;
    origin->port = url.port;
    origin->dialled = dialled_for(url);
  }
  return *origin;
}

/// Targets that are used in turn stay where they are; a lazy one lies in the flight.
const Request& Client::request_for(Flight& flight, const Target& target) {
  if (&target == &flight.room) {
    flight.own = std::make_unique<Request>(prepare(target));
    return *flight.own;
  }
  const auto known = requests_.find(&target);
  return known != requests_.end() ? known->second
                                  : requests_.emplace(&target, prepare(target)).first->second;
}

Request Client::prepare(const Target& target) {
  Result<Url> url = parse_url(target.url);
  CHECK(url);  // whoever read the target has looked
  Origin& origin = origin_of(*url);
  Request request{target.method, target.url, std::move(*url), target.headers, target.body,
                  &origin,       {}};
  request.head = http1_head(request, options_);
  return request;
}

void Client::send(Flight& flight, const Target& target) {
  flight.client = this;
  flight.request = &request_for(flight, target);
  if (options_.timeout > Duration{0}) {
    timeouts_.arm(flight, Clock::now());
    if (!timeout_timer_.armed()) {
      timeout_timer_.after(options_.timeout, [this] { expire_timeouts(); });
    }
  }
  place(flight);
}

void Client::expire_timeouts() {
  timeouts_.expire(Clock::now());
  if (!timeouts_.empty()) {
    timeout_timer_.after(kTimeoutGrain, [this] { expire_timeouts(); });
  }
}

/// On a connection: an idle one, a new one, or the next that is free.
void Client::place(Flight& flight) {
  Origin& origin = *flight.request->origin;
  if (Connection* idle = origin.idle.back()) {
    idle->Link<IdleTag>::unlink();
    --origin.idle_count;
    carry(*idle, flight);
  } else if (options_.connections_max == 0 || origin.connections < options_.connections_max) {
    open(flight);
  } else {
    origin.waiting.push_back(flight);
  }
}

void Client::open(Flight& flight) {
  Origin& origin = *flight.request->origin;
  ++origin.connections;
  auto opening = std::make_unique<Opening>(*this, flight);
  flight.opening = opening.get();
  opening->begin(origin);
  openings_.emplace(flight.opening, std::move(opening));
}

void Client::opened(Opening& opening, std::unique_ptr<Line> line) {
  Flight& flight = opening.flight();
  Origin& origin = *flight.request->origin;
  flight.opening = nullptr;
  bury(opening);
  auto connection =
      std::make_unique<Http1Connection>(std::move(line), options_,
                                        static_cast<Connection::User&>(*this),
                                        std::span<char>(room_));
  connection->origin = &origin;
  ++opened_;
  Connection& carrier = *connection;
  connections_.emplace(&carrier, std::move(connection));
  carry(carrier, flight);
}

void Client::not_opened(Opening& opening, Failure failure, std::string_view what) {
  Flight& flight = opening.flight();
  Origin& origin = *flight.request->origin;
  flight.opening = nullptr;
  --origin.connections;
  bury(opening);
  fail(flight, failure, what);
  next_waiting(origin);
}

void Client::carry(Connection& connection, Flight& flight) {
  flight.connection = &connection;
  connection.send(flight);
}

void Client::answered(Connection& connection, Flight& flight, bool reusable) {
  flight.connection = nullptr;
  if (reusable && options_.keep_alive) {
    put_idle(connection);
  } else {
    discard(connection);
  }
  if (is_redirect(flight.hit.code) && options_.redirects >= 0 && redirect(flight)) {
    return;
  }
  finish(flight);
}

void Client::broke(Connection& connection, Flight& flight, Failure failure, std::string_view what,
                   bool nothing_came) {
  const bool stale = connection.used && nothing_came;
  flight.connection = nullptr;
  discard(connection);
  // The server may have closed an idle connection just when we wrote to it: that is nobody's fault.
  if (stale && !flight.tried_again && idempotent(flight.request->method)) {
    flight.tried_again = true;
    return place(flight);
  }
  fail(flight, failure, what);
}

void Client::closed_idle(Connection& connection) {
  connection.Link<IdleTag>::unlink();
  --connection.origin->idle_count;
  discard(connection);
}

void Client::put_idle(Connection& connection) {
  Origin& origin = *connection.origin;
  if (Flight* waiting = origin.waiting.front()) {
    waiting->Link<WaitingTag>::unlink();
    return carry(connection, *waiting);
  }
  if (origin.idle_count == options_.idle_max) {
    return discard(connection);
  }
  origin.idle.push_back(connection);
  ++origin.idle_count;
}

/// The connection is over. It is destroyed later: we may have been called from within it.
void Client::discard(Connection& connection) {
  Origin& origin = *connection.origin;
  --origin.connections;
  bury(connection);
  next_waiting(origin);
}

void Client::next_waiting(Origin& origin) {
  if (Flight* waiting = origin.waiting.front()) {
    waiting->Link<WaitingTag>::unlink();
    place(*waiting);
  }
}

void Client::bury(Connection& connection) {
  loop_.post([dead = std::move(connections_.extract(&connection).mapped())] {});
}

void Client::bury(Opening& opening) {
  opening.cancel();
  loop_.post([dead = std::move(openings_.extract(&opening).mapped())] {});
}

/// False: there is nowhere to go, the answer is what it is.
bool Client::redirect(Flight& flight) {
  Hit& hit = flight.hit;
  const std::string* location = find(hit.headers, "location");
  if (location == nullptr) {
    return false;
  }
  if (flight.redirects == options_.redirects) {
    fail(flight, Failure::kRedirects, format("stopped after {} redirects", options_.redirects));
    return true;
  }
  std::string text = resolve_url(flight.request->url_text, *location);
  if (const Result<Url> url = parse_url(text); !url) {
    fail(flight, Failure::kRedirects,
         format("failed to parse Location header \"{}\": {}", *location, url.error().message));
    return true;
  }
  ++flight.redirects;
  const Request& before = *flight.request;
  Target target{before.method, std::move(text), before.headers, before.body};
  if (hit.code <= 303 && target.method != "GET" && target.method != "HEAD") {
    target.method = "GET";  // as browsers do, and Go: RFC 9110 section 15.4
    target.body = std::make_shared<const std::string>();
  }
  flight.own = std::make_unique<Request>(prepare(target));
  flight.request = flight.own.get();
  hit.headers.clear();
  hit.body.clear();
  hit.bytes_in = 0;
  hit.code = 0;
  place(flight);
  return true;
}

void Client::give_up(Flight& flight, Failure failure) {
  flight.done = Clock::now();
  flight.Link<WaitingTag>::unlink();
  if (flight.opening != nullptr) {
    Origin& origin = *flight.request->origin;
    bury(*std::exchange(flight.opening, nullptr));
    --origin.connections;
    next_waiting(origin);
  }
  if (flight.connection != nullptr) {
    Connection& connection = *std::exchange(flight.connection, nullptr);
    if (!connection.abandon(flight)) {
      discard(connection);
    }
  }
  fail(flight, failure,
       failure == Failure::kUnfinished
           ? "interrupted"
           : "context deadline exceeded (Client.Timeout exceeded while awaiting headers)");
}

void Client::fail(Flight& flight, Failure failure, std::string_view what) {
  Hit& hit = flight.hit;
  std::string verb = hit.method;
  for (std::size_t i = 1; i < verb.size(); ++i) {
    verb[i] = to_lower(verb[i]);
  }
  hit.failure = failure;
  hit.error = format("{} \"{}\": {}", verb, flight.request->url_text, what);
  if (flight.done == TimePoint{}) {
    flight.done = Clock::now();
  }
  finish(flight);
}

void Client::finish(Flight& flight) {
  net::TimeoutList::disarm(flight);
  Hit& hit = flight.hit;
  hit.latency = flight.done - flight.intended;
  if (flight.sent != TimePoint{}) {
    hit.lag = flight.sent - flight.intended;
  }
  if (flight.first_byte != TimePoint{}) {
    hit.first_byte = flight.first_byte - flight.sent;
  }
  done_(flight);
}

}  // namespace forebay::load
