#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "net/poller.h"
#include "net/stream.h"
#include "net/transport.h"

struct bio_method_st;
struct bio_st;
struct ssl_ctx_st;
struct ssl_session_st;
struct ssl_st;

namespace forebay::net {

struct TlsOptions {
  std::vector<std::string> root_certs = {};  // PEM files; empty: the system's
  bool insecure = false;                     // the server's certificate is not checked
  std::string certificate = {};        // PEM file of the client's, with its chain; empty: none
  std::string key = {};                // PEM file; empty: it is in `certificate` as well
  std::vector<std::string> alpn = {};  // what we speak, the best first: {"h2", "http/1.1"}
  bool session_tickets = false;        // later connections to a host resume the session
};

/// What the TLS connections (1.2 and 1.3) of one thread share: trust, our own certificate,
/// sessions. By OpenSSL, which locks too much to be shared between threads.
class TlsContext {
 public:
  /// Errors: which file, and what is wrong with it.
  static Result<std::unique_ptr<TlsContext>> make(const TlsOptions& options);
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  ~TlsContext();

 private:
  friend class TlsStream;
  struct Free {
    void operator()(ssl_ctx_st* context) const;
    void operator()(ssl_session_st* session) const;
    void operator()(bio_method_st* method) const;
  };

  TlsContext();
  Result<void> set_up(const TlsOptions& options);
  Result<void> trust(const std::vector<std::string>& files);
  Result<void> identify(const std::string& certificate, const std::string& key);
  void keep_sessions();
  static int on_session(ssl_st* ssl, ssl_session_st* session);

  std::unique_ptr<ssl_ctx_st, Free> context_;
  std::unique_ptr<bio_method_st, Free> socket_method_;
  std::map<std::string, std::unique_ptr<ssl_session_st, Free>> sessions_;  // by host, the last one
};

/// The client's end of a TLS connection. Until the handshake is done nothing is read, written or
/// told to the user. Of what is written a part may wait here, encrypted, until the socket takes it:
/// at most one write's worth of records.
class TlsStream final : public Transport, private Transport::User, private Polled {
 public:
  using User = Transport::User;
  using Done = std::move_only_function<void(Result<void>)>;

  /// `socket` is connected and non-blocking. `host`, a name or an address, is what the server's
  /// certificate must be for, and a name is sent to it as SNI. The context outlives the stream.
  TlsStream(Poller& poller, Fd socket, Transport::User& user, TlsContext& context,
            std::string_view host);
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;
  ~TlsStream() override { TlsStream::close(); }

  /// To be called once. `done` is called once, from within Poller::poll(), and may destroy the
  /// stream; close() cancels. Errors: what is wrong with the certificate and what to do, what the
  /// server said, or that it closed the connection.
  void handshake(Done done);
  // After the handshake:
  /// The protocol chosen, "" if the server did not choose.
  [[nodiscard]] std::string_view alpn() const;
  /// A session of before was resumed.
  [[nodiscard]] bool resumed() const;
  /// "TLSv1.3".
  [[nodiscard]] std::string_view version() const;

  [[nodiscard]] int fd() const override { return stream_.fd(); }
  [[nodiscard]] bool open() const override { return stream_.open(); }
  [[nodiscard]] std::size_t read(std::span<char> into) override;
  [[nodiscard]] bool at_end() const override { return at_end_ || !open(); }
  [[nodiscard]] bool peer_closed() const override { return at_end() || stream_.peer_closed(); }
  [[nodiscard]] bool hung_up() const override { return broken_ || stream_.hung_up(); }
  void want_read() override;
  [[nodiscard]] std::size_t write(std::span<const iovec> parts) override;
  [[nodiscard]] bool broken() const override { return broken_ || stream_.broken(); }
  [[nodiscard]] bool blocked() const override { return blocked_; }
  void shutdown_write() override;
  void close() override;
  [[nodiscard]] std::string failure() const override { return failure_; }

 private:
  friend class TlsContext;
  enum class Stage : std::uint8_t { kNew, kHandshake, kReady, kFailed };
  struct Free {
    void operator()(ssl_st* ssl) const;
  };

  static int bio_read(bio_st* bio, char* into, int size);
  static int bio_write(bio_st* bio, const char* from, int size);
  static long bio_control(bio_st* bio, int command, long number, void* pointer);

  void readable() override;
  void writable() override;
  void ready(std::uint32_t events) override;
  void step_handshake();
  void end_handshake(Result<void> result);
  [[nodiscard]] std::string handshake_failure() const;
  void read_failed(int result);
  std::size_t encrypt(std::span<const iovec>& parts, std::size_t& offset);
  bool flush();

  Poller& poller_;
  Transport::User& user_;
  TlsContext& context_;
  std::string host_;
  Stream stream_;
  std::unique_ptr<ssl_st, Free> ssl_;
  Stage stage_ = Stage::kNew;
  Done done_;
  std::string failure_;
  std::string unsent_;            // records that the socket has not taken
  std::size_t unsent_start_ = 0;  // of what is left of it
  bool drained_ = false;          // the socket is known to be empty
  bool unread_ = false;           // there may be something to read
  bool at_end_ = false;
  bool blocked_ = false;
  bool broken_ = false;
};

}  // namespace forebay::net
