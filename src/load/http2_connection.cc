#include "load/http2_connection.h"

#include <array>
#include <utility>
#include <vector>

#include "base/text.h"
#include "http/response.h"
#include "load/answer.h"

namespace forebay::load {
namespace {

constexpr http::Http2Limits kLimits;
// RFC 9113 section 7.
constexpr std::uint32_t kInternalError = 2;
constexpr std::uint32_t kRefusedStream = 7;  // certainly not processed

/// RFC 9113 section 8.2.2: these are about a connection of HTTP/1.
bool connection_level(std::string_view name) {
  return name == "connection" || name == "host" || name == "keep-alive" ||
         name == "proxy-connection" || name == "transfer-encoding" || name == "upgrade" ||
         name == "content-length";
}

/// The fields of a request, whose text it keeps.
class Fields {
 public:
  Fields(const Flight& flight, const ClientOptions& options) {
    const Request& request = *flight.request;
    for (const auto& [name, value] : request.headers) {
      std::string lower;
      for (const char c : name) {
        lower.push_back(to_lower(c));
      }
      if (lower == "host") {
        host_ = value;
      } else if (!connection_level(lower)) {
        add(std::move(lower), value);
      }
    }
    if (!request.url.authorization.empty()) {
      add("authorization", request.url.authorization);
    }
    add("user-agent", "forebay/" FOREBAY_VERSION);
    if (!request.body->empty()) {
      add("content-length", format("{}", request.body->size()));
    }
    if (!options.name.empty()) {
      add("x-vegeta-attack", options.name);
    }
    add("x-vegeta-seq", format("{}", flight.hit->sequence));
    for (const auto& [name, value] : texts_) {
      views_.push_back({name, value});
    }
  }
  [[nodiscard]] std::span<const http::Field> views() const { return views_; }
  [[nodiscard]] const std::string& host() const { return host_; }

 private:
  /// What the target says goes before what we would say.
  void add(std::string name, std::string value) {
    for (const auto& [known, _] : texts_) {
      if (known == name && (name == "user-agent" || name == "authorization")) {
        return;
      }
    }
    texts_.emplace_back(std::move(name), std::move(value));
  }
  HeaderFields texts_;
  std::vector<http::Field> views_;
  std::string host_;
};

}  // namespace

class Http2Connection::Stream final : public http::Http2Client::Exchange {
 public:
  Stream(Http2Connection& connection, Flight& carried) : flight(carried), connection_(connection) {}

  void head(int status, std::span<const http::Field> fields) override {
    flight.first_byte = connection_.now_;
    take_head(*flight.hit, status, http::status_reason(status), fields);
  }
  void body(std::string_view piece) override {
    take_body(*flight.hit, piece, connection_.options_.body_kept_max);
  }
  void ended(std::uint32_t code) override { connection_.stream_ended(*this, code); }

  Flight& flight;
  std::int32_t id = 0;

 private:
  Http2Connection& connection_;
};

Http2Connection::Http2Connection(net::Loop& loop, std::unique_ptr<Line> line,
                                 const ClientOptions& options, Connection::User& user,
                                 std::span<char> room)
    : loop_(loop),
      options_(options),
      user_(user),
      room_(room),
      line_(std::move(line)),
      session_(kLimits),
      alive_(std::make_shared<bool>(true)) {
  line_->set_user(*this);
  flush_soon();  // the preface
}

Http2Connection::~Http2Connection() { *alive_ = false; }

void Http2Connection::send(Flight& flight) {
  const Request& request = *flight.request;
  const Fields fields(flight, options_);
  const std::string authority = fields.host().empty() ? request.url.authority() : fields.host();
  auto stream = std::make_unique<Stream>(*this, flight);
  if (flight.sent == TimePoint{}) {
    flight.sent = Clock::now();
  }
  stream->id = session_.send({.method = request.method,
                              .scheme = request.url.tls ? "https" : "http",
                              .authority = authority,
                              .path = request.url.target,
                              .fields = fields.views(),
                              .body = *request.body},
                             *stream);
  streams_.emplace(&flight, std::move(stream));
  flush_soon();
}

bool Http2Connection::abandon(Flight& flight) {
  const auto stream = streams_.find(&flight);
  session_.cancel(stream->second->id);
  streams_.erase(stream);
  flush_soon();
  return true;
}

void Http2Connection::flush_soon() {
  if (!std::exchange(flush_posted_, true)) {
    loop_.post([this, alive = alive_] {
      if (*alive) {
        flush_posted_ = false;
        flush();
      }
    });
  }
}

void Http2Connection::flush() {
  net::Transport& transport = line_->transport();
  while (transport.open() && !transport.blocked()) {
    const std::string_view output = session_.pending_output();
    if (output.empty()) {
      return;
    }
    const std::array parts{iovec{const_cast<char*>(output.data()), output.size()}};
    session_.sent(transport.write(parts));
    if (transport.broken()) {
      return transport.want_read();  // the reason is told from the loop
    }
  }
}

void Http2Connection::readable() {
  net::Transport& transport = line_->transport();
  const std::size_t bytes = transport.read(room_);
  now_ = Clock::now();
  if (bytes != 0) {
    if (const Result<void> received = session_.receive({room_.data(), bytes}); !received) {
      return broke(Failure::kProtocol, received.error().message);
    }
    flush();
  }
  if (transport.open() && transport.at_end()) {
    return transport.hung_up() ? broke(Failure::kReset, "read: connection reset by peer")
                               : broke(Failure::kClosed, "unexpected EOF");
  }
  if (!session_.usable() && streams_.empty()) {
    return broke(Failure::kClosed, "GOAWAY");
  }
  transport.want_read();
  user_.has_room(*this);
}

void Http2Connection::stream_ended(Stream& stream, std::uint32_t code) {
  Flight& flight = stream.flight;
  // It is called from within the stream: it goes when that is over.
  loop_.post([dead = std::move(streams_.extract(&flight).mapped())] {});
  flight.done = now_;
  used = true;
  if (code == 0) {
    return user_.answered(*this, flight, true);
  }
  const bool unseen = code == kRefusedStream;
  user_.broke(*this, flight, failure_,
              !over_.empty() ? over_ : format("stream error: {}", http::http2_error_name(code)),
              unseen);
}

void Http2Connection::broke(Failure failure, std::string_view what) {
  failure_ = failure;
  over_ = what;
  user_.closed(*this);  // first: what is tried again goes elsewhere
  session_.abandon(kInternalError);
}

}  // namespace forebay::load
