#include "load/http1_connection.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/check.h"
#include "base/text.h"
#include "load/answer.h"

namespace forebay::load {
namespace {

constexpr http::ResponseLimits kLimits;

/// What a request has beside Request::head: the place of the hit in the schedule, as vegeta sends
/// it, and how the body is framed.
class Rest {
 public:
  Rest(std::uint64_t sequence, std::size_t body_bytes, bool chunked) {
    text("X-Vegeta-Seq: ").number(sequence, 10).text("\r\n\r\n");
    if (chunked && body_bytes != 0) {
      number(body_bytes, 16).text("\r\n");
    }
  }
  [[nodiscard]] std::string_view view() const { return {buffer_.data(), size_}; }

 private:
  Rest& text(std::string_view piece) {
    std::ranges::copy(piece, buffer_.data() + size_);
    size_ += piece.size();
    return *this;
  }
  Rest& number(std::uint64_t value, int base) {
    char* begin = buffer_.data() + size_;
    size_ += static_cast<std::size_t>(
        std::to_chars(begin, buffer_.data() + buffer_.size(), value, base).ptr - begin);
    return *this;
  }
  std::array<char, 64> buffer_;
  std::size_t size_ = 0;
};

/// A request of at most so many bytes is copied together: cheaper than to have the kernel gather
/// it.
constexpr std::size_t kInOnePiece = 1024;

iovec part(std::string_view bytes) { return {const_cast<char*>(bytes.data()), bytes.size()}; }

std::size_t total(std::span<const iovec> parts) {
  std::size_t bytes = 0;
  for (const iovec& piece : parts) {
    bytes += piece.iov_len;
  }
  return bytes;
}

std::string_view joined(std::span<const iovec> parts, std::span<char> into) {
  char* end = into.data();
  for (const iovec& piece : parts) {
    end = std::copy_n(static_cast<const char*>(piece.iov_base), piece.iov_len, end);
  }
  return {into.data(), end};
}

}  // namespace

Http1Connection::Http1Connection(std::unique_ptr<Line> line, const ClientOptions& options,
                                 Connection::User& user, std::span<char> room)
    : options_(options),
      user_(user),
      room_(room),
      line_(std::move(line)),
      stream_(line_->transport()),
      parser_(kLimits) {
  line_->set_user(*this);
}

void Http1Connection::send(Flight& flight) {
  CHECK(flight_ == nullptr);
  flight_ = &flight;
  const Request& request = *flight.request;
  if (request.method == "HEAD") {
    parser_.expect_no_body();
  }
  const bool chunked = options_.chunked && !request.body->empty();
  const Rest rest(flight.hit->sequence, request.body->size(), chunked);
  const std::string_view tail = chunked ? "\r\n0\r\n\r\n" : "";
  if (flight.sent == TimePoint{}) {
    flight.sent = Clock::now();
  }
  const std::array parts{part(request.head), part(rest.view()), part(*request.body), part(tail)};
  if (std::array<char, kInOnePiece> whole; total(parts) <= whole.size()) {
    write(std::array{part(joined(parts, whole))});
  } else {
    write(parts);
  }
}

void Http1Connection::write(std::span<const iovec> parts) {
  std::size_t written = stream_.write(parts);
  for (const iovec& piece : parts) {
    const std::size_t taken = std::min(written, piece.iov_len);
    written -= taken;
    unsent_.append(static_cast<const char*>(piece.iov_base) + taken, piece.iov_len - taken);
  }
  if (stream_.broken()) {
    stream_.want_read();  // the answer, or the reason, is told from the loop
  }
}

bool Http1Connection::abandon(Flight& flight) {
  CHECK(flight_ == &flight);
  flight_ = nullptr;
  return false;
}

void Http1Connection::writable() {
  const std::array parts{part(unsent_)};
  unsent_.erase(0, stream_.write(parts));
}

void Http1Connection::readable() {
  const std::size_t bytes = stream_.read(room_);
  if (bytes == 0 && !stream_.at_end()) {
    return;
  }
  now_ = Clock::now();
  if (flight_ == nullptr) {
    return user_.closed(*this);
  }
  if (bytes != 0) {
    read_answer({room_.data(), bytes});
  }
  if (stream_.open() && stream_.at_end()) {
    ended();
  }
  stream_.want_read();
}

void Http1Connection::read_answer(std::string_view bytes) {
  using Event = http::ResponseParser::Event;
  if (flight_->first_byte == TimePoint{}) {
    flight_->first_byte = now_;
  }
  while (true) {
    switch (parser_.next(bytes)) {
      case Event::kNeedMore:
        return;
      case Event::kHead:
        take_head(*flight_->hit, parser_.head().status, parser_.head().reason,
                  parser_.head().fields);
        break;
      case Event::kBody:
        take_body(*flight_->hit, parser_.body(), options_.body_kept_max);
        break;
      case Event::kComplete:
        return complete(parser_.keep_alive() && bytes.empty() && unsent_.empty());
      case Event::kError:
        return broke(Failure::kProtocol,
                     format("net/http: HTTP/1.x transport connection broken: {}", parser_.error()));
    }
  }
}

void Http1Connection::complete(bool reusable) {
  parser_.reset();
  used = true;
  Flight& flight = *std::exchange(flight_, nullptr);
  flight.done = now_;
  user_.answered(*this, flight, reusable);
}

/// The peer sends no more.
void Http1Connection::ended() {
  if (flight_ == nullptr) {
    return user_.closed(*this);
  }
  const bool reset = stream_.hung_up();
  if (!reset && parser_.finish() == http::ResponseParser::Event::kComplete) {
    return complete(false);
  }
  broke(reset ? Failure::kReset : Failure::kClosed, reset ? "read: connection reset by peer"
                                                    : parser_.started() ? "unexpected EOF"
                                                                        : "EOF");
}

void Http1Connection::broke(Failure failure, std::string_view what) {
  Flight& flight = *std::exchange(flight_, nullptr);
  flight.done = now_;
  user_.broke(*this, flight, failure, what, !parser_.started());
}

}  // namespace forebay::load
