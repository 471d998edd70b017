#include "load/opening.h"

#include "base/text.h"

namespace forebay::load {
namespace {

Failure failure_of(const net::DialError& error) {
  using Kind = net::DialError::Kind;
  switch (error.kind) {
    case Kind::kRefused:
      return Failure::kRefused;
    case Kind::kNoDescriptors:
      return Failure::kSend;
    default:
      return Failure::kConnect;
  }
}

}  // namespace

Opening::Opening(Client& client, net::Loop& loop, const ClientOptions& options, Origin& origin,
                 Flight& flight)
    : client_(client), loop_(loop), options_(options), origin_(origin), flight_(flight) {
  loop_.post([this] { dial(); });
}

void Opening::dial() {
  since_ = Clock::now();
  if (origin_.addresses.empty()) {
    Result<net::Address> address = net::parse_address(
        options_.unix_socket.empty() ? format("{}:{}", origin_.host, origin_.port)
                                     : "unix:" + options_.unix_socket,
        0);
    if (!address) {
      return client_.not_opened(*this, Failure::kDns, address.error().message);
    }
    origin_.addresses.push_back(*address);
  }
  dial_.emplace(loop_.poller(), origin_.addresses.front(), nullptr,
                [this](std::expected<Fd, net::DialError> result) { dialled(std::move(result)); });
}

void Opening::dialled(std::expected<Fd, net::DialError> result) {
  flight_.hit.connect = Clock::now() - since_;
  if (!result) {
    return client_.not_opened(
        *this, failure_of(result.error()),
        format("dial {} {}: {}", origin_.addresses.front().unix_socket() ? "unix" : "tcp",
               origin_.addresses.front().text(), result.error().text()));
  }
  client_.opened(*this, std::move(*result));
}

}  // namespace forebay::load
