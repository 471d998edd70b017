#include "net/tls.h"

#include <sys/socket.h>

#include <array>
#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/tls_test.h"

namespace forebay::net {
namespace {

using testing::HasSubstr;

/// A client and its server at the two ends of a socket pair.
class TlsTest : public testing::Test, public Transport::User {
 protected:
  void readable() override {
    ++readable_;
    on_readable_();
  }
  void writable() override { ++writable_; }

  static TlsOptions trusting(TlsOptions options = {}) {
    options.root_certs = {*trusted_file_};
    return options;
  }
  static void SetUpTestSuite() {
    old_sigpipe_ = ::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes for the server with write(2)
    files_ = new PemFiles;
    authority_ = new Certificate(make_certificate({.names = ""}));
    good_ = new Certificate(make_certificate({.issuer = authority_}));
    trusted_file_ =
        new std::string(files_->write("root.pem", authority_->certificate.get(), nullptr));
  }
  static void TearDownTestSuite() {
    ::signal(SIGPIPE, old_sigpipe_);
    delete trusted_file_;
    delete good_;
    delete authority_;
    delete files_;
  }

  void use(const TlsOptions& options, const Certificate& certificate = *good_) {
    client_.reset();  // before its context
    context_ = TlsContext::make(options).value();
    server_context_ = server_context(certificate);
  }
  /// Both ends, before the handshake.
  void begin(std::string_view host = "good.test") {
    std::array<int, 2> pair{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair.data()), 0);
    server_.emplace(*server_context_, Fd(pair[1]));
    client_ = std::make_unique<TlsStream>(poller_, Fd(pair[0]), *this, *context_, host);
    outcome_.reset();
    client_->handshake([this](Result<void> result) { outcome_ = std::move(result); });
    EXPECT_FALSE(outcome_.has_value()) << "told from within handshake()";
  }
  template <typename Condition>
  void run_until(Condition condition) {
    const TimePoint late = Clock::now() + std::chrono::seconds(60);
    while (!condition()) {
      poller_.poll(std::chrono::milliseconds(1));
      server_->step();
      ASSERT_LT(Clock::now(), late);
    }
  }
  Result<void> finish() {
    run_until([this] { return outcome_.has_value(); });
    return outcome_.value_or(fail("nothing happened"));
  }
  Result<void> connect(std::string_view host = "good.test") {
    begin(host);
    return finish();
  }
  std::string failure(std::string_view host = "good.test") {
    const Result<void> result = connect(host);
    EXPECT_FALSE(result.has_value());
    EXPECT_TRUE(client_->broken());
    return result ? "" : result.error().message;
  }

  std::string read(std::size_t most = 100) {
    std::string text(most, ' ');
    text.resize(client_->read(text));
    return text;
  }
  /// Reads until `bytes` came, or the end.
  std::string read_all(std::size_t bytes) {
    std::string all;
    run_until([&] {
      all += read(50000);
      return all.size() >= bytes || client_->at_end();
    });
    return all;
  }
  std::size_t write(std::string_view text) {
    const std::array<iovec, 1> parts{{{const_cast<char*>(text.data()), text.size()}}};
    return client_->write(parts);
  }

  inline static sighandler_t old_sigpipe_;
  inline static PemFiles* files_;
  inline static Certificate* authority_;
  inline static Certificate* good_;
  inline static std::string* trusted_file_;
  std::unique_ptr<TlsContext> context_;
  OpenSsl<SSL_CTX> server_context_;
  Poller poller_;
  std::optional<TlsServer> server_;
  std::unique_ptr<TlsStream> client_;
  std::optional<Result<void>> outcome_;
  int readable_ = 0;
  int writable_ = 0;
  std::function<void()> on_readable_ = [] {};
};

TEST_F(TlsTest, TalksWithAServerThatItTrusts) {
  use(trusting());
  ASSERT_TRUE(connect().has_value());
  EXPECT_EQ(client_->version(), "TLSv1.3");
  EXPECT_EQ(client_->alpn(), "");
  EXPECT_EQ(write("hello"), 5U);
  EXPECT_FALSE(client_->blocked());
  run_until([&] { return server_->received == "hello"; });
  const int before = readable_;
  server_->to_send = "world";
  run_until([&] { return readable_ > before; });
  EXPECT_EQ(read(), "world");
  EXPECT_EQ(read(), "");
  EXPECT_FALSE(client_->at_end());
}

TEST_F(TlsTest, SmallPartsTravelTogether) {
  use(trusting());
  ASSERT_TRUE(connect().has_value());
  const std::string_view head = "head";
  const std::string_view body = "body";
  const std::array<iovec, 3> parts{{{const_cast<char*>(head.data()), head.size()},
                                    {nullptr, 0},
                                    {const_cast<char*>(body.data()), body.size()}}};
  EXPECT_EQ(client_->write(parts), 8U);
  run_until([&] { return !server_->received.empty(); });
  EXPECT_EQ(server_->received, "headbody");
}

TEST_F(TlsTest, SendsTheNameOfTheHost) {
  use(trusting());
  ASSERT_TRUE(connect("good.test.").has_value());
  EXPECT_STREQ(::SSL_get_servername(server_->ssl(), TLSEXT_NAMETYPE_host_name), "good.test");
}

TEST_F(TlsTest, ChecksAddressesAsWell) {
  use(trusting());
  ASSERT_TRUE(connect("127.0.0.1").has_value());
  EXPECT_EQ(::SSL_get_servername(server_->ssl(), TLSEXT_NAMETYPE_host_name), nullptr);
  EXPECT_THAT(failure("127.0.0.2"), HasSubstr("for another host than 127.0.0.2"));
  use(trusting(), make_certificate({.names = "IP:::1", .issuer = authority_}));
  EXPECT_TRUE(connect("[::1]").has_value());
}

TEST_F(TlsTest, NamesWhatIsWrongWithACertificate) {
  use(trusting());
  EXPECT_THAT(failure("other.test"), HasSubstr("for another host than other.test"));
  use(trusting(), make_certificate({.valid_until_s = -60, .issuer = authority_}));
  EXPECT_THAT(failure(), HasSubstr("good.test has expired; -insecure"));
  use(trusting(), make_certificate({.valid_from_s = 600, .issuer = authority_}));
  EXPECT_THAT(failure(), HasSubstr("not valid yet"));
  use(trusting(), make_certificate({}));
  EXPECT_THAT(failure(), HasSubstr("unknown authority: name its root with -root-certs"));
  use({});
  EXPECT_THAT(failure(), HasSubstr("unknown authority"));
}

TEST_F(TlsTest, InsecureTakesAnyCertificate) {
  use({.insecure = true}, make_certificate({.valid_until_s = -60}));
  EXPECT_TRUE(connect("other.test").has_value());
}

TEST_F(TlsTest, NegotiatesAProtocol) {
  use(trusting({.alpn = {"h2", "http/1.1"}}));
  const auto choose = [](SSL* /*ssl*/, const unsigned char** out, unsigned char* size,
                         const unsigned char* offered, unsigned offered_size, void* /*unused*/) {
    const std::string_view all(reinterpret_cast<const char*>(offered), offered_size);
    EXPECT_EQ(all, "\x02h2\x08http/1.1");
    *out = offered + 1;
    *size = 2;
    return SSL_TLSEXT_ERR_OK;
  };
  ::SSL_CTX_set_alpn_select_cb(server_context_.get(), choose, nullptr);
  ASSERT_TRUE(connect().has_value());
  EXPECT_EQ(client_->alpn(), "h2");
}

TEST_F(TlsTest, ShowsItsOwnCertificate) {
  const Certificate client = make_certificate({.names = "DNS:client", .issuer = authority_});
  const std::string both = files_->write("both.pem", client.certificate.get(), client.key.get());
  use(trusting({.certificate = both}));
  ::SSL_CTX_set_verify(server_context_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                       nullptr);
  ::SSL_CTX_load_verify_file(server_context_.get(), trusted_file_->c_str());
  EXPECT_TRUE(connect().has_value());
  EXPECT_EQ(write("hello"), 5U);
  run_until([&] { return server_->received == "hello"; });
}

TEST_F(TlsTest, SaysWhatTheServerSaidAfterTheHandshake) {
  use(trusting());
  ::SSL_CTX_set_verify(server_context_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                       nullptr);
  ASSERT_TRUE(connect().has_value()) << "1.3 tells the client only afterwards";
  EXPECT_EQ(read_all(1), "");
  EXPECT_TRUE(client_->at_end());
  EXPECT_TRUE(client_->broken());
  EXPECT_THAT(client_->failure(), HasSubstr("certificate required"));
}

TEST_F(TlsTest, ResumesSessionsIfAsked) {
  use(trusting({.session_tickets = true}));
  ASSERT_TRUE(connect().has_value());
  EXPECT_FALSE(client_->resumed());
  server_->to_send = "x";
  EXPECT_EQ(read_all(1), "x");
  client_.reset();
  ASSERT_TRUE(connect().has_value());
  EXPECT_TRUE(client_->resumed());
  ASSERT_TRUE(connect("127.0.0.1").has_value());
  EXPECT_FALSE(client_->resumed()) << "of another host";

  use(trusting());
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(connect().has_value());
    server_->to_send = "x";
    EXPECT_EQ(read_all(1), "x");
    EXPECT_FALSE(client_->resumed());
  }
}

TEST_F(TlsTest, SpeaksTheVersionBefore) {
  use(trusting({.session_tickets = true}));
  SSL_CTX_set_max_proto_version(server_context_.get(), TLS1_2_VERSION);
  ASSERT_TRUE(connect().has_value());
  EXPECT_EQ(client_->version(), "TLSv1.2");
  client_.reset();
  ASSERT_TRUE(connect().has_value());
  EXPECT_TRUE(client_->resumed());
  SSL_CTX_set_max_proto_version(server_context_.get(), TLS1_1_VERSION);
  SSL_CTX_set_min_proto_version(server_context_.get(), TLS1_VERSION);
  EXPECT_NE(failure(), "");
}

TEST_F(TlsTest, MuchGoesBothWaysWhileBothAreSlow) {
  use(trusting());
  ASSERT_TRUE(connect().has_value());
  std::string much;
  for (int i = 0; much.size() < 3'000'000; ++i) {
    much += std::to_string(i);
  }
  server_->reads = false;
  std::size_t sent = write(much);
  EXPECT_LT(sent, much.size());
  EXPECT_TRUE(client_->blocked());
  EXPECT_EQ(write("not now"), 0U);
  server_->reads = true;
  server_->to_send = much;
  std::string got;
  run_until([&] {
    if (!client_->blocked() && sent < much.size()) {
      sent += write(std::string_view(much).substr(sent));
    }
    got += read(1000);
    client_->want_read();
    return server_->received.size() >= much.size() && got.size() >= much.size();
  });
  EXPECT_TRUE(server_->received == much);
  EXPECT_TRUE(got == much);
  EXPECT_GT(writable_, 0);
}

TEST_F(TlsTest, WhatWasNotReadIsToldAgainOnRequest) {
  use(trusting());
  ASSERT_TRUE(connect().has_value());
  server_->to_send = "onetwo";
  run_until([&] { return read(3) == "one"; });
  run_until([&] { return server_->to_send.empty(); });
  poller_.poll(Duration{0});
  const int before = readable_;
  client_->want_read();
  EXPECT_EQ(poller_.poll(Duration{0}), 1U);
  EXPECT_EQ(readable_, before + 1);
  EXPECT_EQ(read(), "two");
  client_->want_read();
  EXPECT_EQ(poller_.poll(Duration{0}), 0U);
}

TEST_F(TlsTest, NewKeysAreTakenUnderWay) {
  use(trusting());
  ASSERT_TRUE(connect().has_value());
  ::SSL_key_update(server_->ssl(), SSL_KEY_UPDATE_REQUESTED);
  server_->to_send = "new";
  EXPECT_EQ(read_all(3), "new");
  EXPECT_EQ(write("keys"), 4U);
  run_until([&] { return server_->received == "keys"; });
}

TEST_F(TlsTest, TheEndComesAfterWhatWasSentBeforeItWithOrWithoutAGoodbye) {
  for (const bool goodbye : {true, false}) {
    use(trusting());
    ASSERT_TRUE(connect().has_value());
    server_->to_send = "last";
    run_until([&] { return server_->to_send.empty(); });
    if (goodbye) {
      ::SSL_shutdown(server_->ssl());
    }
    server_->close();
    EXPECT_EQ(read_all(100), "last");
    EXPECT_TRUE(client_->at_end());
    EXPECT_TRUE(client_->peer_closed());
    EXPECT_EQ(client_->failure(), "");
  }
}

TEST_F(TlsTest, SaysGoodbye) {
  use(trusting());
  ASSERT_TRUE(connect().has_value());
  EXPECT_EQ(write("all"), 3U);
  client_->shutdown_write();
  run_until([&] { return server_->closed; });
  EXPECT_EQ(server_->received, "all");
  server_->to_send = "more";
  EXPECT_EQ(read_all(4), "more");

  ASSERT_TRUE(connect().has_value());
  client_->close();
  EXPECT_TRUE(client_->broken());
  EXPECT_TRUE(client_->at_end());
  run_until([&] { return server_->closed; });
}

TEST_F(TlsTest, AServerThatIsNoneOrLeavesIsAnError) {
  use(trusting());
  begin();
  server_->close();
  EXPECT_THAT(finish().error().message,
              HasSubstr("closed the connection during the TLS handshake"));

  std::array<int, 2> pair{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair.data()), 0);
  const Fd peer(pair[1]);
  client_ = std::make_unique<TlsStream>(poller_, Fd(pair[0]), *this, *context_, "good.test");
  outcome_.reset();
  client_->handshake([this](Result<void> result) { outcome_ = std::move(result); });
  const std::string_view answer = "HTTP/1.1 400 Bad Request\r\n\r\n";
  ASSERT_EQ(::send(peer.get(), answer.data(), answer.size(), 0), ssize_t(answer.size()));
  EXPECT_THAT(finish().error().message, HasSubstr("does not speak TLS"));
}

TEST_F(TlsTest, NothingIsReadOrWrittenBeforeTheHandshake) {
  use(trusting());
  begin();
  EXPECT_EQ(read(), "");
  EXPECT_EQ(write("early"), 0U);
  client_->want_read();
  ASSERT_TRUE(finish().has_value());
  EXPECT_EQ(readable_, 0);
  EXPECT_EQ(writable_, 0);
}

TEST_F(TlsTest, MayBeDestroyedInTheCalls) {
  use(trusting());
  begin();
  client_.reset();  // before
  begin();
  bool told = false;
  client_->close();
  begin();
  run_until([&] { return outcome_.has_value(); });
  on_readable_ = [&] {
    told = true;
    client_.reset();
  };
  server_->to_send = "x";
  run_until([&] { return told; });
  on_readable_ = [] {};

  std::array<int, 2> pair{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair.data()), 0);
  server_.emplace(*server_context_, Fd(pair[1]));
  client_ = std::make_unique<TlsStream>(poller_, Fd(pair[0]), *this, *context_, "good.test");
  client_->handshake([&](const Result<void>& /*result*/) { client_.reset(); });
  run_until([&] { return client_ == nullptr; });
}

TEST_F(TlsTest, FilesThatAreNoneAreNamed) {
  const Certificate client = make_certificate({.issuer = authority_});
  const std::string certificate = files_->write("c.pem", client.certificate.get(), nullptr);
  const std::string key = files_->write("k.pem", nullptr, client.key.get());
  const std::string other = files_->write("o.pem", nullptr, good_->key.get());
  const std::string locked = files_->write("l.pem", nullptr, client.key.get(), "pass");
  const auto error = [](const TlsOptions& options) {
    const auto made = TlsContext::make(options);
    return made ? "" : made.error().message;
  };
  const std::string gone = files_->path("gone.pem");
  EXPECT_THAT(error({.root_certs = {gone}}), HasSubstr("gone.pem': No such file"));
  EXPECT_THAT(error({.root_certs = {key}}), HasSubstr("k.pem"));
  EXPECT_THAT(error({.certificate = gone}), HasSubstr("gone.pem': No such file"));
  EXPECT_THAT(error({.certificate = certificate}), HasSubstr("cannot use the client's key"));
  EXPECT_THAT(error({.certificate = certificate, .key = locked}), HasSubstr("without password"));
  EXPECT_THAT(error({.certificate = certificate, .key = other}), HasSubstr("key values mismatch"));
  EXPECT_THAT(error({.key = key}), HasSubstr("needs a certificate"));
  EXPECT_EQ(error({.certificate = certificate, .key = key}), "");
  EXPECT_THAT(error({.alpn = {""}}), HasSubstr("ALPN"));
}

}  // namespace
}  // namespace forebay::net
