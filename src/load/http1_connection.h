#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "http/response_parser.h"
#include "load/client_options.h"
#include "load/connection.h"
#include "load/line.h"

namespace forebay::load {

/// HTTP/1.1 over one connection: one flight at a time.
class Http1Connection final : public Connection, private net::Transport::User {
 public:
  /// `room`: where bytes are read to, shared by the connections of a thread.
  Http1Connection(std::unique_ptr<Line> line, const ClientOptions& options, Connection::User& user,
                  std::span<char> room);

  void send(Flight& flight) override;
  bool abandon(Flight& flight) override;
  void close() override { stream_.close(); }

 private:
  void readable() override;
  void writable() override;
  void write(std::span<const iovec> parts);
  void read_answer(std::string_view bytes);
  void complete(bool reusable);
  void ended();
  void broke(Failure failure, std::string_view what);

  const ClientOptions& options_;
  Connection::User& user_;
  std::span<char> room_;
  std::unique_ptr<Line> line_;
  net::Transport& stream_;
  http::ResponseParser parser_;
  Flight* flight_ = nullptr;
  std::string unsent_;  // of the request
  TimePoint now_;       // of the last read
};

}  // namespace forebay::load
