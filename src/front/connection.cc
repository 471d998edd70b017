#include "front/connection.h"

#include "base/text.h"
#include "front/front.h"
#include "net/address.h"
#include "net/proxy_header.h"

namespace forebay::front {
namespace {

using Parsed = http::RequestParser::Event;

/// What a client may still send after our last word before we stop listening.
constexpr std::size_t kLingerBytes = 1 << 20;

std::string_view field(const http::RequestHead& head, std::string_view name) {
  for (const http::Field& field : head.fields) {
    if (equal_ignoring_case(field.name, name)) {
      return field.value;
    }
  }
  return {};
}

bool is_path(const http::RequestHead& head, std::string_view path) {
  return !path.empty() && head.path_and_query.substr(0, head.path_and_query.find('?')) == path;
}

}  // namespace

Connection::Connection(Front& front, Fd socket, std::uint16_t listener)
    : front_(front),
      stream_(front.loop().poller(), std::move(socket), *this),
      input_(stream_, changed_),
      out_(stream_, changed_, front.settings(), front.ticker(), front.spool()),
      peer_(peer_of(front, stream_.fd())),
      parser_(front.limits(peer_.trusted)),
      listener_(listener) {}

Connection::Peer Connection::peer_of(const Front& front, int socket) {
  const net::Address address = net::peer_address(socket);
  std::string host = address.host();
  const bool trusted = front.settings().forwarding.trusts(host);
  return {std::move(host), address.port(), trusted};
}

bool Connection::may_speak_for_others() const {
  return peer_.host.empty() || front_.settings().proxies.contains(peer_.host);
}

net::Task<void> Connection::run() {
  const bool known = !front_.settings().proxy_protocol || co_await read_proxy_header();
  while (known && co_await read_head()) {
    if (!co_await handle()) {
      break;
    }
    parser_.reset();
    have_head_ = false;
    began_ = {};
  }
  co_await close();
}

Parsed Connection::parse() {
  std::string_view bytes = input_.data();
  const std::size_t before = bytes.size();
  const Parsed event = parser_.next(bytes);
  input_.consume(before - bytes.size());
  return event;
}

net::Task<bool> Connection::read_proxy_header() {
  using State = net::ProxyHeader::State;
  if (!may_speak_for_others()) {
    front_.unknown_proxy(peer_.host);
    co_return false;
  }
  front_.ticker().arm(front_.ticker().head, *this);
  net::ProxyHeader header = net::read_proxy_header(input_.data());
  while (header.state == State::kIncomplete) {
    if (input_.gone() || timed_out_ || (draining_ && !arriving())) {
      co_return false;
    }
    input_.arm();
    co_await changed_.wait();
    header = net::read_proxy_header(input_.data());
  }
  net::TimeoutList::disarm(*this);
  timed_out_ = false;
  if (header.state == State::kInvalid) {
    log(nullptr, 400, 0, Reason::kBadRequest);
    co_return false;
  }
  input_.consume(header.bytes);
  if (!header.host.empty()) {
    // Whether its fields count depends on who it is, not on who passes its bytes on.
    peer_ = {header.host, header.port, front_.settings().forwarding.trusts(header.host)};
    parser_.set_limits(front_.limits(peer_.trusted));
  }
  co_return true;
}

net::Task<bool> Connection::read_head() {
  Ticker& ticker = front_.ticker();
  net::TimeoutList* armed = nullptr;
  for (;;) {
    const Parsed event = parse();
    if (parser_.started() && began_ == TimePoint{}) {
      began_ = Clock::now();
    }
    if (event == Parsed::kHead) {
      net::TimeoutList::disarm(*this);
      have_head_ = true;
      co_return true;
    }
    if (event == Parsed::kError) {
      co_return co_await refuse(
          {parser_.error().status, Reason::kBadRequest, parser_.error().reason, 0});
    }
    if (input_.gone() || (draining_ && !parser_.started() && !arriving())) {
      co_return false;
    }
    if (!input_.data().empty()) {
      continue;
    }
    // The head's time runs from its first byte in total, not from byte to byte.
    net::TimeoutList* list = parser_.started() ? &ticker.head : &ticker.keep_alive;
    if (list != armed) {
      armed = list;
      ticker.arm(*list, *this);
    }
    input_.arm();
    co_await changed_.wait();
    if (timed_out_ && parser_.started()) {
      co_return co_await refuse(answer_for(Reason::kSlowRequest));
    }
    if (timed_out_ && !arriving()) {
      co_return false;
    }
    if (std::exchange(timed_out_, false)) {
      armed = nullptr;  // something has come just in time
    }
  }
}

net::Task<bool> Connection::handle() {
  ++requests_;
  Relay relay(out_, changed_, facts(), front_.scratch(), front_.date_clock());
  Exchange exchange(parser_.head(), relay);
  exchange.listener = listener_;
  exchange.remote_host = peer_.host;
  exchange.remote_port = peer_.port;
  exchange.began = began_;
  read_arrival(exchange);
  if (!co_await read_body(exchange)) {
    co_return false;
  }
  if (is_path(parser_.head(), front_.settings().health_path)) {
    co_return co_await answer({200, Reason::kOk, "ok", 0}, exchange);
  }
  if (const auto found = find_origin(exchange); !found) {
    co_return co_await answer({found.error().status, Reason::kBadRequest, found.error().reason, 0},
                              exchange);
  }
  if (front_.settings().arrivals.fair_share) {
    exchange.arrival.client = client_number(exchange.remote_host);
  }
  mark(exchange, relay);
  ++front_.metrics().active_requests;
  const bool goes_on = co_await serve(exchange, relay);
  --front_.metrics().active_requests;
  co_return goes_on;
}

std::expected<void, http::ParseError> Connection::find_origin(Exchange& exchange) const {
  const auto origin = front_.settings().forwarding.origin(exchange.head, peer_.trusted);
  if (!origin) {
    return std::unexpected(origin.error());
  }
  exchange.origin = *origin;
  if (!origin->client.empty()) {
    exchange.remote_host = origin->client;
    exchange.remote_port = 0;
  }
  return {};
}

/// What the application, the client and the log will know the request by.
void Connection::mark(Exchange& exchange, Relay& relay) {
  Marker& marker = front_.marker();
  parser_.change_fields(
      [&](std::vector<http::Field>& fields) { marker.mark(fields, peer_.trusted, exchange); });
  if (marker.marks_answers()) {
    relay.mark_with(marker, exchange);
  }
}

void Connection::read_arrival(Exchange& exchange) const {
  const ArrivalRules& rules = front_.settings().arrivals;
  if (!rules.priorities.empty()) {
    exchange.arrival.priority = rules.priority_of(exchange.head);
  }
  const std::string_view said =
      rules.deadline_header.empty() ? "" : field(exchange.head, rules.deadline_header);
  if (said.empty()) {
    return;
  }
  if (const std::optional<Duration> left = parse_time_left(rules.deadline_header, said)) {
    exchange.arrival.deadline = exchange.began + *left;
  } else {
    ++front_.metrics().deadlines_ignored;
  }
}

net::Task<bool> Connection::read_body(Exchange& exchange) {
  const http::RequestHead& head = parser_.head();
  const Settings& settings = front_.settings();
  if (!front_.bodies().has_room(head.content_length)) {
    co_return co_await refuse(answer_for(Reason::kNoRoom));
  }
  if (head.expect_continue && head.framing != http::BodyFraming::kNone) {
    exchange.arrival.bytes = head.content_length;
    if (const auto refusal = front_.dispatcher().look(exchange.arrival)) {
      linger_ = true;
      co_await answer(answer_for(*refusal), exchange);
      co_return false;
    }
    out_.send({"HTTP/1.1 100 Continue\r\n\r\n"});
  }
  exchange.body.expect(head.content_length, settings.body_memory, settings.spool_directory,
                       front_.bodies());
  Pace pace(settings.body_rate_min, settings.body_timeout);
  for (;;) {
    const Result<Parsed> event = collect(exchange.body);
    if (!event) {
      front_.no_room_for_body(event.error());
      co_return co_await refuse(answer_for(Reason::kNoRoom));
    }
    if (*event == Parsed::kError) {
      co_return co_await refuse(
          {parser_.error().status, Reason::kBadRequest, parser_.error().reason, 0});
    }
    if (*event == Parsed::kComplete) {
      net::TimeoutList::disarm(*this);
      co_return true;
    }
    if (silenced()) {
      log(nullptr, 400, 0, Reason::kBadRequest);
      co_return false;
    }
    if (!net::Timeout::linked()) {
      front_.ticker().arm(front_.ticker().body, *this);
    }
    if (head.framing == http::BodyFraming::kLength) {
      stream_.want_read();
    } else {
      input_.arm(true);
    }
    co_await changed_.wait();
    if (std::exchange(timed_out_, false) && !pace.keeps_up(exchange.body.size())) {
      co_return co_await refuse(answer_for(Reason::kSlowRequest));
    }
  }
}

Result<Parsed> Connection::collect(Body& body) {
  Parsed event = parse();
  for (; event == Parsed::kBody; event = parse()) {
    if (const Result<void> kept = body.append(parser_.body()); !kept) {
      return std::unexpected(kept.error());
    }
  }
  if (event == Parsed::kNeedMore && parser_.head().framing == http::BodyFraming::kLength) {
    // What follows is the body and nothing else: it goes where it shall be.
    const Result<std::span<char>> room = body.room();
    if (!room) {
      return std::unexpected(room.error());
    }
    std::string_view bytes(room->data(), stream_.read(*room));
    if (const Result<void> kept = body.filled(bytes.size()); !kept) {
      return std::unexpected(kept.error());
    }
    while ((event = parser_.next(bytes)) == Parsed::kBody) {
    }
  }
  if (event == Parsed::kComplete) {
    if (const Result<void> kept = body.complete(); !kept) {
      return std::unexpected(kept.error());
    }
  }
  return event;
}

net::Task<bool> Connection::serve(Exchange& exchange, Relay& relay) {
  Dispatcher& dispatcher = front_.dispatcher();
  if (const auto refusal = dispatcher.offer(exchange)) {
    co_return co_await answer(answer_for(*refusal), exchange);
  }
  bool left = false;
  while (!relay.over()) {
    input_.arm();  // to hear at once when the client leaves, also after it has sent more
    if (draining_ && input_.data().empty()) {
      relay.close_after();
    }
    co_await changed_.wait();
    if (!relay.over() && !left && client_left()) {
      left = true;
      exchange.abandoned = true;
      relay.mute();
      if (dispatcher.withdraw(exchange)) {
        break;
      }
    }
  }
  if (left) {
    log(&exchange, 499, relay.body_bytes(),
        exchange.has_started() ? Reason::kClientGoneRunning : Reason::kClientGoneQueued);
    co_return false;
  }
  if (!relay.started()) {
    co_return co_await answer(answer_for(relay.reason()), exchange);
  }
  co_await drained();
  log(&exchange, relay.status(), relay.body_bytes(), relay.reason());
  co_return relay.keep_alive() && !out_.failed();
}

net::Task<bool> Connection::answer(Answer answer, const Exchange& exchange) {
  http::RequestFacts request = facts();
  request.keep_alive = request.keep_alive && !linger_;
  if (answer.status == 503) {
    answer.retry_after = front_.dispatcher().retry_after();
  }
  if (front_.settings().marking.request_id) {
    answer.request_id = exchange.marks.request_id;
  }
  std::string text;
  const std::size_t bytes = write_answer(text, answer, field(parser_.head(), "accept"), request,
                                         front_.date_clock().now());
  out_.send({text});
  co_await drained();
  log(&exchange, answer.status, bytes, answer.reason);
  co_return request.keep_alive && !out_.failed();
}

net::Task<bool> Connection::refuse(Answer answer) {
  net::TimeoutList::disarm(*this);
  timed_out_ = false;
  linger_ = true;
  if (answer.status == 503) {
    answer.retry_after = front_.dispatcher().retry_after();
  }
  std::string text;
  const http::RequestFacts request{.is_head = false, .minor_version = 1, .keep_alive = false};
  const std::size_t bytes = write_answer(text, answer, "", request, front_.date_clock().now());
  out_.send({text});
  co_await drained();
  log(nullptr, answer.status, bytes, answer.reason);
  co_return false;
}

net::Task<void> Connection::drained() {
  while (!out_.drained() && !out_.failed()) {
    co_await changed_.wait();
  }
}

net::Task<void> Connection::close() {
  net::TimeoutList::disarm(*this);
  // Closing with unread bytes resets the connection, and the client may lose our answer (RFC 9112
  // section 9.6): say that we are done, then listen a little longer.
  if ((linger_ || !input_.data().empty()) && !silenced()) {
    stream_.shutdown_write();
    timed_out_ = false;
    front_.ticker().arm(front_.ticker().linger, *this);
    std::size_t heard = 0;
    while (!silenced() && !timed_out_ && heard < kLingerBytes) {
      heard += input_.data().size();
      input_.consume(input_.data().size());
      input_.arm(true);
      co_await changed_.wait();
    }
    net::TimeoutList::disarm(*this);
  }
  stream_.close();
}

bool Connection::client_left() const {
  const bool may_wait = front_.settings().half_close && !stream_.hung_up();
  return out_.failed() || (input_.gone() && !may_wait);
}

bool Connection::arriving() const { return !input_.data().empty() || stream_.has_unread(); }

void Connection::drain() {
  draining_ = true;
  changed_.set();
}

void Connection::timed_out() {
  timed_out_ = true;
  changed_.set();
}

http::RequestFacts Connection::facts() const {
  const http::RequestHead& head = parser_.head();
  const std::uint64_t most = front_.settings().requests_per_connection_max;
  return {.is_head = head.method == "HEAD",
          .minor_version = head.minor_version,
          .keep_alive = head.keep_alive && !draining_ && (most == 0 || requests_ < most)};
}

void Connection::log(const Exchange* exchange, int status, std::uint64_t bytes, Reason reason) {
  const TimePoint now = Clock::now();
  Record record;
  record.remote = exchange != nullptr ? exchange->remote_host : peer_.host;
  record.status = status;
  record.bytes = bytes;
  record.reason = reason;
  record.duration = began_ == TimePoint{} ? Duration{0} : now - began_;
  if (have_head_) {
    const http::RequestHead& head = parser_.head();
    record.method = head.method;
    record.target = head.target;
    record.protocol = head.minor_version == 1 ? "HTTP/1.1" : "HTTP/1.0";
    record.referer = field(head, "referer");
    record.user_agent = field(head, "user-agent");
  }
  if (exchange != nullptr) {
    record.request_id = exchange->marks.request_id;
    record.trace_id = exchange->marks.trace_id;
    record.proxy_time = exchange->marks.proxy_time;
    if (!front_.settings().arrivals.priorities.empty()) {
      record.priority = exchange->arrival.priority;
    }
    if (exchange->arrival.deadline != queue::kNoDeadline) {
      record.deadline = exchange->arrival.deadline - exchange->began;
    }
  }
  if (exchange != nullptr && exchange->queued != TimePoint{}) {
    record.was_queued = true;
    record.queue_time = exchange->queue_time(now);
    record.queue_length_at_arrival = exchange->queue_length_at_arrival;
    record.worker_pid = exchange->worker_pid;
    if (exchange->has_started()) {
      const TimePoint ended = exchange->ended == TimePoint{} ? now : exchange->ended;
      record.app_time = ended - exchange->started;
      record.write_time = now - ended;
    }
  }
  front_.finished(record);
}

}  // namespace forebay::front
