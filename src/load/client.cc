#include "load/client.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/text.h"
#include "load/http1_connection.h"
#include "load/http2_connection.h"
#include "load/opening.h"
#include "load/request_head.h"

namespace forebay::load {
namespace {

constexpr std::string_view kHttp2 = "h2";  // as ALPN calls it
constexpr std::size_t kReadBytes = 64 * 1024;
/// How often a flight is sent again that an HTTP/2 server has refused.
constexpr int kTriesMax = 100;
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
  client->resolver_ = std::move(*resolver);
  if (options.tls_expected) {
    if (const auto tls = client->tls(); !tls) {
      return std::unexpected(tls.error());
    }
  }
  return client;
}

/// Made when it is needed first: reading the system's certificates takes a while.
Result<net::TlsContext*> Client::tls() {
  if (!tls_) {
    Result<std::unique_ptr<net::TlsContext>> made = net::TlsContext::make(options_.tls);
    if (!made) {
      return std::unexpected(made.error());
    }
    tls_ = std::move(*made);
  }
  return tls_.get();
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
    if (!url.tls) {
      origin->multiplexed = options_.http2_prior_knowledge;
    } else if (std::ranges::find(options_.tls.alpn, kHttp2) == options_.tls.alpn.end()) {
      origin->multiplexed = false;
    }
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

void Client::send(Flight& flight, const Target& target, TimePoint now) {
  flight.client = this;
  flight.request = &request_for(flight, target);
  if (options_.timeout > Duration{0}) {
    timeouts_.arm(flight, now);
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

/// On a connection: one that is available, a new one, or the next that is.
void Client::place(Flight& flight) {
  Origin& origin = *flight.request->origin;
  while (Connection* connection = origin.available.back()) {
    if (connection->ready()) {
      return carry(*connection, flight);
    }
    make_unavailable(*connection);  // its server has said GOAWAY
  }
  // The one that is being opened may turn out to have room for all.
  const bool wait_for_shared = origin.multiplexed != false && origin.openings > 0;
  if (!wait_for_shared &&
      (options_.connections_max == 0 || origin.connections < options_.connections_max)) {
    open(flight);
  } else {
    origin.waiting.push_back(flight);
  }
}

void Client::open(Flight& flight) {
  Origin& origin = *flight.request->origin;
  ++origin.connections;
  ++origin.openings;
  auto opening = std::make_unique<Opening>(*this, flight);
  flight.opening = opening.get();
  opening->begin(origin);
  openings_.emplace(flight.opening, std::move(opening));
}

void Client::opened(Opening& opening, std::unique_ptr<Line> line) {
  Flight& flight = opening.flight();
  Origin& origin = *flight.request->origin;
  origin.multiplexed =
      line->tls() != nullptr ? line->tls()->alpn() == kHttp2 : options_.http2_prior_knowledge;
  bury(opening);
  std::unique_ptr<Connection> connection = connect(std::move(line), *origin.multiplexed);
  connection->origin = &origin;
  ++opened_;
  Connection& carrier = *connection;
  connections_.emplace(&carrier, std::move(connection));
  carry(carrier, flight);
  if (carrier.shared()) {
    make_available(carrier);
  } else {
    place_waiting(origin);
  }
}

std::unique_ptr<Connection> Client::connect(std::unique_ptr<Line> line, bool http2) {
  Connection::User& user = *this;
  if (http2) {
    return std::make_unique<Http2Connection>(loop_, std::move(line), options_, user, room_);
  }
  return std::make_unique<Http1Connection>(std::move(line), options_, user, room_);
}

void Client::not_opened(Opening& opening, Failure failure, std::string_view what) {
  Flight& flight = opening.flight();
  Origin& origin = *flight.request->origin;
  bury(opening);
  --origin.connections;
  fail(flight, failure, what);
  place_waiting(origin);
}

void Client::carry(Connection& connection, Flight& flight) {
  if (!connection.shared()) {
    make_unavailable(connection);
  }
  flight.connection = &connection;
  connection.send(flight);
  if (!connection.ready()) {
    make_unavailable(connection);
  }
}

void Client::answered(Connection& connection, Flight& flight, bool reusable) {
  flight.connection = nullptr;
  if (connection.shared() || (reusable && options_.keep_alive)) {
    make_available(connection);
  } else {
    discard(connection);
  }
  if (is_redirect(flight.hit->code) && options_.redirects >= 0 && redirect(flight)) {
    return;
  }
  finish(flight);
}

void Client::broke(Connection& connection, Flight& flight, Failure failure, std::string_view what,
                   bool unseen) {
  // The server may have closed an idle connection just when we wrote to it: that is nobody's fault.
  // A stream that it refused, or that came after its GOAWAY, it has certainly not looked at.
  const bool again = connection.shared() ? unseen && flight.tries < kTriesMax
                                         : unseen && connection.used && flight.tries == 0 &&
                                               idempotent(flight.request->method);
  flight.connection = nullptr;
  if (!connection.shared()) {
    discard(connection);
  }
  if (again) {
    ++flight.tries;
    return place(flight);
  }
  fail(flight, failure, what);
}

void Client::closed(Connection& connection) { discard(connection); }

void Client::has_room(Connection& connection) { make_available(connection); }

/// It can carry one more, or more than that: those who wait come first.
void Client::make_available(Connection& connection) {
  Origin& origin = *connection.origin;
  while (Flight* waiting = connection.ready() ? origin.waiting.front() : nullptr) {
    waiting->Link<WaitingTag>::unlink();
    carry(connection, *waiting);
    if (!connection.shared()) {
      return;
    }
  }
  if (!connection.ready() || connection.linked()) {
    return;
  }
  if (origin.available_count >= options_.idle_max && !connection.shared()) {
    return discard(connection);
  }
  origin.available.push_back(connection);
  ++origin.available_count;
}

void Client::make_unavailable(Connection& connection) {
  if (connection.linked()) {
    connection.unlink();
    --connection.origin->available_count;
  }
}

/// The connection is over. It is destroyed later: we may have been called from within it.
void Client::discard(Connection& connection) {
  Origin& origin = *connection.origin;
  connection.close();
  make_unavailable(connection);
  --origin.connections;
  loop_.post([dead = std::move(connections_.extract(&connection).mapped())] {});
  place_waiting(origin);
}

/// Those who waited for a place among the connections, as far as there are places.
void Client::place_waiting(Origin& origin) {
  while (Flight* waiting = origin.waiting.front()) {
    if (options_.connections_max != 0 && origin.connections >= options_.connections_max) {
      return;
    }
    if (origin.multiplexed != false && origin.openings > 0) {
      return;
    }
    waiting->Link<WaitingTag>::unlink();
    place(*waiting);
  }
}

/// The opening is over, one way or the other.
void Client::bury(Opening& opening) {
  opening.flight().opening = nullptr;
  --opening.flight().request->origin->openings;
  opening.cancel();
  loop_.post([dead = std::move(openings_.extract(&opening).mapped())] {});
}

/// False: there is nowhere to go, the answer is what it is.
bool Client::redirect(Flight& flight) {
  Hit& hit = *flight.hit;
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
    bury(*flight.opening);
    --origin.connections;
    place_waiting(origin);
  }
  if (flight.connection != nullptr) {
    Connection& connection = *std::exchange(flight.connection, nullptr);
    if (!connection.abandon(flight)) {
      discard(connection);
    }
  }
  if (failure == Failure::kUnfinished) {
    fail(flight, failure, "interrupted");
  } else {
    const bool answered = flight.first_byte != TimePoint{};
    fail(flight, failure,
         format("context deadline exceeded (Client.Timeout {})",
                answered ? "or context cancellation while reading body"
                         : "exceeded while awaiting headers"));
  }
}

void Client::fail(Flight& flight, Failure failure, std::string_view what) {
  Hit& hit = *flight.hit;
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
  Hit& hit = *flight.hit;
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
