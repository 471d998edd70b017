#include "load/exporter.h"

#include <array>
#include <string>
#include <string_view>

#include "base/text.h"
#include "net/stream.h"
#include "net/timer.h"

namespace forebay::load {
namespace {

constexpr int kBacklog = 16;
constexpr std::string_view kHeadEnd = "\r\n\r\n";

}  // namespace

/// One request on one connection, and its answer.
class Exporter::Scrape final : private net::Stream::User {
 public:
  Scrape(Exporter& exporter, Fd socket)
      : exporter_(exporter),
        stream_(exporter.loop_.poller(), std::move(socket), *this),
        limit_(exporter.loop_) {
    limit_.after(kTimeLimit, [this] { exporter_.over(*this); });
    stream_.want_read();
  }

 private:
  void readable() override {
    std::array<char, 4096> buffer{};
    while (const std::size_t bytes = stream_.read(buffer)) {
      if (answer_.empty()) {
        request_.append(buffer.data(), bytes);
      }
      if (request_.size() > kHeadBytesMax) {
        return exporter_.over(*this);
      }
    }
    if (answer_.empty() && request_.contains(kHeadEnd)) {
      const bool get = request_.starts_with("GET ");
      answer(get ? "200 OK" : "405 Method Not Allowed",
             get ? exporter_.metrics_.text() : "only GET\n");
    } else if (stream_.at_end()) {
      exporter_.over(*this);
    }
  }
  void writable() override {
    std::string_view rest = std::string_view(answer_).substr(written_);
    const iovec part{const_cast<char*>(rest.data()), rest.size()};
    written_ += stream_.write({&part, 1});
    if (stream_.broken() || written_ == answer_.size()) {
      stream_.shutdown_write();
      exporter_.over(*this);
    }
  }
  void answer(std::string_view status, const std::string& body) {
    answer_ = format(
        "HTTP/1.1 {}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
        "Content-Length: {}\r\nConnection: close\r\n\r\n{}",
        status, body.size(), body);
    writable();
  }

  Exporter& exporter_;
  net::Stream stream_;
  net::Timer limit_;
  std::string request_;
  std::string answer_;
  std::size_t written_ = 0;
};

Result<std::unique_ptr<Exporter>> Exporter::open(net::Loop& loop, const net::Address& address,
                                                 const HitMetrics& metrics) {
  Result<net::Listener> listener = net::Listener::open(address, kBacklog);
  if (!listener) {
    return std::unexpected(listener.error());
  }
  return std::unique_ptr<Exporter>(new Exporter(loop, std::move(*listener), metrics));
}

Exporter::Exporter(net::Loop& loop, net::Listener listener, const HitMetrics& metrics)
    : loop_(loop), metrics_(metrics), listener_(std::move(listener)) {
  listener_.accept_on(loop_, [this](Fd socket) { accepted(std::move(socket)); }, [](int) {});
}

Exporter::~Exporter() = default;

void Exporter::accepted(Fd socket) {
  if (scrapes_.size() < kConnectionsMax) {
    auto scrape = std::make_unique<Scrape>(*this, std::move(socket));
    Scrape* key = scrape.get();
    scrapes_.emplace(key, std::move(scrape));
  }
}

/// It is destroyed later: we are called from within it.
void Exporter::over(Scrape& scrape) {
  const auto found = scrapes_.find(&scrape);
  if (found != scrapes_.end()) {
    loop_.post([dead = std::move(found->second)] {});
    scrapes_.erase(found);
  }
}

}  // namespace forebay::load
