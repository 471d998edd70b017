#include "load/line.h"

#include <utility>

#include "net/stream.h"

namespace forebay::load {

Line::Line(net::Poller& poller, Fd socket)
    : transport_(std::make_unique<net::Stream>(poller, std::move(socket),
                                               static_cast<net::Transport::User&>(*this))) {}

Line::Line(net::Poller& poller, Fd socket, net::TlsContext& context, std::string_view host) {
  auto stream = std::make_unique<net::TlsStream>(
      poller, std::move(socket), static_cast<net::Transport::User&>(*this), context, host);
  tls_ = stream.get();
  transport_ = std::move(stream);
}

void Line::readable() {
  if (user_ != nullptr) {
    user_->readable();
  }
}

void Line::writable() {
  if (user_ != nullptr) {
    user_->writable();
  }
}

}  // namespace forebay::load
