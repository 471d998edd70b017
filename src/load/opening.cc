#include "load/opening.h"

#include <utility>

#include "base/text.h"

namespace forebay::load {
namespace {

Failure failure_of(const net::DialError& error) {
  using Kind = net::DialError::Kind;
  switch (error.kind) {
    case Kind::kRefused:
    case Kind::kBacklogFull:
      return Failure::kRefused;
    case Kind::kNoDescriptors:
    case Kind::kNoLocalPorts:
      return Failure::kSend;
    case Kind::kOther:
      break;
  }
  return Failure::kConnect;
}

/// The system's words as Go writes them: "connection refused".
std::string in_lower_case(std::string text) {
  text[0] = to_lower(text[0]);
  return text;
}

}  // namespace

void Opening::begin(Origin& origin) {
  since_ = Clock::now();
  if (client_.options_.unix_socket) {
    addresses_.push_back(*client_.options_.unix_socket);
    return dial();
  }
  const auto& [host, port] = origin.dialled[origin.next_dialled++ % origin.dialled.size()];
  lookup_.emplace(
      *client_.resolver_, host, port,
      [this](Result<net::Resolver::Addresses> addresses) { resolved(std::move(addresses)); });
}

void Opening::cancel() {
  lookup_.reset();
  dial_.reset();
  line_.reset();
}

void Opening::took(Duration& phase) {
  const TimePoint now = Clock::now();
  phase = now - std::exchange(since_, now);
}

void Opening::resolved(Result<net::Resolver::Addresses> addresses) {
  took(flight_.hit->dns);
  if (!addresses) {
    return client_.not_opened(*this, Failure::kDns, "dial tcp: " + addresses.error().message);
  }
  addresses_ = std::move(*addresses);
  dial();
}

void Opening::dial() {
  const std::optional<net::Address>& from = client_.options_.local_address;
  dial_.emplace(client_.loop_.poller(), addresses_[tried_], from ? &*from : nullptr,
                [this](std::expected<Fd, net::DialError> result) { dialled(std::move(result)); });
}

void Opening::dialled(std::expected<Fd, net::DialError> result) {
  if (!result && tried_ + 1 < addresses_.size()) {
    ++tried_;
    return dial();
  }
  took(flight_.hit->connect);
  const net::Address& address = addresses_[tried_];
  if (!result) {
    return client_.not_opened(
        *this, failure_of(result.error()),
        format("dial {} {}: connect: {}", address.unix_socket() ? "unix" : "tcp", address.text(),
               in_lower_case(result.error().text())));
  }
  if (flight_.request->origin->tls) {
    return shake_hands(std::move(*result));
  }
  client_.opened(*this, std::make_unique<Line>(client_.loop_.poller(), std::move(*result)));
}

void Opening::shake_hands(Fd socket) {
  const Result<net::TlsContext*> tls = client_.tls();
  if (!tls) {
    return client_.not_opened(*this, Failure::kTls, tls.error().message);
  }
  line_ = std::make_unique<Line>(client_.loop_.poller(), std::move(socket), **tls,
                                 flight_.request->origin->host);
  line_->tls()->handshake([this](const Result<void>& result) { secured(result); });
}

void Opening::secured(const Result<void>& result) {
  took(flight_.hit->tls);
  if (!result) {
    return client_.not_opened(*this, Failure::kTls, result.error().message);
  }
  client_.opened(*this, std::move(line_));
}

}  // namespace forebay::load
