#include "net/tls.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/check.h"
#include "base/text.h"

namespace forebay::net {
namespace {

/// What is encrypted at once: two full records (RFC 8446 section 5.1).
constexpr std::size_t kEncryptMax = 32 * 1024;

bool is_ip(const std::string& host) {
  std::array<char, sizeof(in6_addr)> bytes{};
  return ::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

/// As a certificate has it: "[::1]" and "example.com." are "::1" and "example.com".
std::string plain_host(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  }
  if (host.ends_with('.')) {
    host.remove_suffix(1);
  }
  return std::string(host);
}

std::string certificate_words(long problem, const std::string& host) {
  switch (problem) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return format("the certificate of {} has expired; -insecure does not check it", host);
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return format(
          "the certificate of {} is not valid yet: is the clock right? -insecure does not check it",
          host);
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return format("the certificate is for another host than {}; -insecure does not check it",
                    host);
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return format(
          "the certificate of {} is signed by an unknown authority: name its root with -root-certs "
          "FILE, or do not check it with -insecure",
          host);
    default:
      return format("the certificate of {} is not valid: {}; -insecure does not check it", host,
                    ::X509_verify_cert_error_string(problem));
  }
}

std::string protocol_words(unsigned long code) {
  switch (ERR_GET_REASON(code)) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_RECORD_LENGTH_MISMATCH:
      return "the server does not speak TLS here: is it http?";
    default:
      break;
  }
  const char* const reason = ::ERR_reason_error_string(code);
  return reason != nullptr ? format("TLS: {}", reason) : "TLS failed";
}

}  // namespace

void TlsStream::Free::operator()(ssl_st* ssl) const { ::SSL_free(ssl); }

TlsStream::TlsStream(Poller& poller, Fd socket, Transport::User& user, TlsContext& context,
                     std::string_view host)
    : poller_(poller),
      user_(user),
      context_(context),
      host_(plain_host(host)),
      stream_(poller, std::move(socket), *this),
      ssl_(::SSL_new(context.context_.get())) {
  BIO* const bio = ::BIO_new(context.socket_method_.get());
  CHECK(ssl_ != nullptr && bio != nullptr);
  ::BIO_set_data(bio, this);
  ::BIO_set_init(bio, 1);
  ::SSL_set_bio(ssl_.get(), bio, bio);
  ::SSL_set_connect_state(ssl_.get());
  SSL_set_app_data(ssl_.get(), this);
  if (is_ip(host_)) {
    ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(ssl_.get()), host_.c_str());
  } else {
    SSL_set_tlsext_host_name(ssl_.get(), host_.c_str());
    ::SSL_set1_host(ssl_.get(), host_.c_str());
  }
  if (const auto known = context.sessions_.find(host_); known != context.sessions_.end()) {
    ::SSL_set_session(ssl_.get(), known->second.get());
  }
}

// --- OpenSSL's view of the socket ------------------------------------------------------------

int TlsStream::bio_read(bio_st* bio, char* into, int size) {
  TlsStream& self = *static_cast<TlsStream*>(::BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (!self.drained_) {
    const std::size_t wanted = static_cast<std::size_t>(size);
    const std::size_t bytes = self.stream_.read({into, wanted});
    // A short read has emptied it, but for an end that is known to be there.
    self.drained_ = bytes < wanted && !self.stream_.peer_closed();
    if (bytes > 0) {
      return static_cast<int>(bytes);
    }
    if (self.stream_.at_end()) {
      return 0;
    }
  }
  BIO_set_retry_read(bio);
  return -1;
}

/// Takes everything: flush() follows.
int TlsStream::bio_write(bio_st* bio, const char* from, int size) {
  BIO_clear_retry_flags(bio);
  static_cast<TlsStream*>(::BIO_get_data(bio))
      ->unsent_.append(from, static_cast<std::size_t>(size));
  return size;
}

long TlsStream::bio_control(bio_st* bio, int command, long /*number*/, void* /*pointer*/) {
  switch (command) {
    case BIO_CTRL_FLUSH:
      return 1;
    case BIO_CTRL_EOF:
      return static_cast<TlsStream*>(::BIO_get_data(bio))->stream_.at_end() ? 1 : 0;
    default:
      return 0;
  }
}

/// True: nothing is left to send.
bool TlsStream::flush() {
  while (unsent_start_ < unsent_.size() && !stream_.blocked() && !stream_.broken()) {
    const std::array<iovec, 1> rest{
        {{unsent_.data() + unsent_start_, unsent_.size() - unsent_start_}}};
    unsent_start_ += stream_.write(rest);
  }
  if (unsent_start_ < unsent_.size()) {
    return false;
  }
  unsent_.clear();
  unsent_start_ = 0;
  return true;
}

// --- handshake -------------------------------------------------------------------------------

void TlsStream::handshake(Done done) {
  CHECK(stage_ == Stage::kNew);
  stage_ = Stage::kHandshake;
  done_ = std::move(done);
  poller_.ask(*this);
}

void TlsStream::step_handshake() {
  if (!open()) {
    return end_handshake(
        fail("no place for another connection in epoll(7): see "
             "fs.epoll.max_user_watches"));
  }
  ::ERR_clear_error();
  const int result = ::SSL_do_handshake(ssl_.get());
  const bool waits = ::SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ;
  flush();
  if (result == 1) {
    end_handshake({});
  } else if (!waits || stream_.broken()) {
    end_handshake(fail(handshake_failure()));
  }
}

std::string TlsStream::handshake_failure() const {
  const long problem = ::SSL_get_verify_result(ssl_.get());
  if (problem != X509_V_OK && ::SSL_get_verify_mode(ssl_.get()) != SSL_VERIFY_NONE) {
    return certificate_words(problem, host_);
  }
  if (const unsigned long code = ::ERR_peek_error(); code != 0) {
    return protocol_words(code);
  }
  return "the server closed the connection during the TLS handshake";
}

void TlsStream::end_handshake(Result<void> result) {
  stage_ = result ? Stage::kReady : Stage::kFailed;
  if (result) {
    unread_ = true;  // maybe: something may have come with the handshake's end
    poller_.ask(*this);
  } else {
    broken_ = at_end_ = true;
    failure_ = result.error().message;
  }
  Done done = std::move(done_);  // which may destroy this
  done(std::move(result));
}

std::string_view TlsStream::alpn() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  ::SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

bool TlsStream::resumed() const { return ::SSL_session_reused(ssl_.get()) == 1; }

std::string_view TlsStream::version() const { return ::SSL_get_version(ssl_.get()); }

// --- what the poller tells -------------------------------------------------------------------

void TlsStream::readable() {
  drained_ = false;
  if (stage_ == Stage::kHandshake) {
    step_handshake();
  } else if (stage_ == Stage::kReady) {
    unread_ = true;
    user_.readable();
  }
}

void TlsStream::writable() {
  const bool all = flush();
  if (stage_ == Stage::kHandshake) {
    if (stream_.broken()) {
      step_handshake();
    }
  } else if (blocked_ && (all || broken())) {
    blocked_ = false;
    user_.writable();
  }
}

void TlsStream::ready(std::uint32_t /*events*/) {
  if (stage_ == Stage::kHandshake) {
    step_handshake();
  } else if (stage_ == Stage::kReady && unread_) {
    user_.readable();
  }
}

void TlsStream::want_read() {
  if (unread_ && open()) {
    poller_.ask(*this);
  }
}

// --- bytes -----------------------------------------------------------------------------------

std::size_t TlsStream::read(std::span<char> into) {
  std::size_t total = 0;
  while (total < into.size() && stage_ == Stage::kReady && !at_end()) {
    std::size_t bytes = 0;
    ::ERR_clear_error();
    const int result = ::SSL_read_ex(ssl_.get(), into.data() + total, into.size() - total, &bytes);
    if (result != 1) {
      read_failed(result);
      flush();  // an answer of OpenSSL's own, such as to a new key
      return total;
    }
    total += bytes;
  }
  return total;
}

void TlsStream::read_failed(int result) {
  switch (::SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      unread_ = false;
      return;
    case SSL_ERROR_SSL:
      failure_ = protocol_words(::ERR_peek_error());
      broken_ = true;
      break;
    default:
      break;
  }
  at_end_ = true;
}

std::size_t TlsStream::write(std::span<const iovec> parts) {
  if (stage_ != Stage::kReady || broken()) {
    return 0;
  }
  std::size_t taken = 0;
  std::size_t offset = 0;  // in the first of the parts left
  while (flush() && !broken() && !parts.empty()) {
    taken += encrypt(parts, offset);
  }
  blocked_ = !parts.empty() && !broken();
  return taken;
}

/// Encrypts the next piece; returns its size. Small parts go into one record together.
std::size_t TlsStream::encrypt(std::span<const iovec>& parts, std::size_t& offset) {
  std::array<char, kEncryptMax> piece;  // NOLINT: not initialized
  std::size_t size = 0;
  while (!parts.empty() && size < piece.size()) {
    const iovec& part = parts.front();
    const std::size_t bytes = std::min(part.iov_len - offset, piece.size() - size);
    std::copy_n(static_cast<const char*>(part.iov_base) + offset, bytes, piece.data() + size);
    size += bytes;
    offset += bytes;
    if (offset == part.iov_len) {
      parts = parts.subspan(1);
      offset = 0;
    }
  }
  if (size == 0) {
    return 0;
  }
  std::size_t written = 0;
  ::ERR_clear_error();
  if (::SSL_write_ex(ssl_.get(), piece.data(), size, &written) != 1) {
    failure_ = protocol_words(::ERR_peek_error());
    broken_ = true;
    return 0;
  }
  CHECK(written == size);  // bio_write() takes everything
  return size;
}

void TlsStream::shutdown_write() {
  if (stage_ == Stage::kReady && !broken()) {
    ::SSL_shutdown(ssl_.get());
    if (flush()) {
      stream_.shutdown_write();
    }
  }
}

/// Says goodbye, without waiting for an answer: a session that was left in silence is not resumed.
void TlsStream::close() {
  if (stage_ == Stage::kReady && !broken() && open()) {
    ::SSL_shutdown(ssl_.get());
    flush();
  }
  stage_ = Stage::kFailed;
  poller_.forget(*this);
  stream_.close();
}

}  // namespace forebay::net
