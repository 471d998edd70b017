#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "http/http2_client.h"
#include "load/client_options.h"
#include "load/connection.h"
#include "load/line.h"

namespace forebay::load {

/// HTTP/2 over one connection: as many flights at once as the server permits.
class Http2Connection final : public Connection, private net::Transport::User {
 public:
  /// `room`: as of Http1Connection.
  Http2Connection(net::Loop& loop, std::unique_ptr<Line> line, const ClientOptions& options,
                  Connection::User& user, std::span<char> room);
  ~Http2Connection() override;

  void send(Flight& flight) override;
  bool abandon(Flight& flight) override;
  void close() override { line_->transport().close(); }
  [[nodiscard]] bool shared() const override { return true; }
  [[nodiscard]] bool ready() const override {
    return line_->transport().open() && session_.ready();
  }

 private:
  class Stream;

  void readable() override;
  void writable() override { flush(); }
  void flush();
  /// Writes at the end of the loop's turn, once for all requests of that turn.
  void flush_soon();
  void stream_ended(Stream& stream, std::uint32_t code);
  void broke(Failure failure, std::string_view what);

  net::Loop& loop_;
  const ClientOptions& options_;
  Connection::User& user_;
  std::span<char> room_;
  std::unique_ptr<Line> line_;
  http::Http2Client session_;
  std::unordered_map<Flight*, std::unique_ptr<Stream>> streams_;
  std::shared_ptr<bool> alive_;  // for calls that were put off
  bool flush_posted_ = false;
  std::string over_;                   // why it is: what its streams end with
  Failure failure_ = Failure::kReset;  // the same in one word
  TimePoint now_;                      // of the last read
};

}  // namespace forebay::load
