#include <cstring>
#include <utility>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/check.h"
#include "base/text.h"
#include "net/tls.h"

namespace forebay::net {
namespace {

/// Hosts whose sessions are kept; beyond it all are forgotten.
constexpr std::size_t kSessionsMax = 4096;

/// The first complaint since the last one.
std::string complaint() {
  const unsigned long code = ::ERR_peek_error();
  ::ERR_clear_error();
  const char* const reason = ::ERR_reason_error_string(code);
  if (reason != nullptr) {
    return reason;
  }
  return ERR_SYSTEM_ERROR(code) ? std::strerror(ERR_GET_REASON(code)) : "unknown error";
}

/// Instead of a question on the terminal.
int refuse_password(char* /*into*/, int /*size*/, int /*writing*/, void* /*unused*/) { return 0; }

/// Each name after a byte with its length (RFC 7301 section 3.1).
Result<std::string> alpn_list(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) {
    if (name.empty() || name.size() > 255) {
      return fail(format("'{}' is no name of a protocol for ALPN", name));
    }
    list += static_cast<char>(name.size());
    list += name;
  }
  return list;
}

}  // namespace

void TlsContext::Free::operator()(ssl_ctx_st* context) const { ::SSL_CTX_free(context); }
void TlsContext::Free::operator()(ssl_session_st* session) const { ::SSL_SESSION_free(session); }
void TlsContext::Free::operator()(bio_method_st* method) const { ::BIO_meth_free(method); }

TlsContext::TlsContext()
    : context_(::SSL_CTX_new(::TLS_client_method())),
      socket_method_(::BIO_meth_new(BIO_TYPE_SOURCE_SINK, "forebay stream")) {
  CHECK(context_ != nullptr && socket_method_ != nullptr);
  ::BIO_meth_set_read(socket_method_.get(), TlsStream::bio_read);
  ::BIO_meth_set_write(socket_method_.get(), TlsStream::bio_write);
  ::BIO_meth_set_ctrl(socket_method_.get(), TlsStream::bio_control);
}

TlsContext::~TlsContext() = default;

Result<std::unique_ptr<TlsContext>> TlsContext::make(const TlsOptions& options) {
  std::unique_ptr<TlsContext> context(new TlsContext);
  if (Result<void> done = context->set_up(options); !done) {
    return std::unexpected(std::move(done.error()));
  }
  return context;
}

Result<void> TlsContext::set_up(const TlsOptions& options) {
  SSL_CTX* const context = context_.get();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  // Many servers end a body that lasts until the end without TLS' own end before TCP's.
  ::SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);
  ::SSL_CTX_set_verify(context, options.insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
  const Result<std::string> alpn = alpn_list(options.alpn);
  if (!alpn) {
    return std::unexpected(alpn.error());
  }
  ::SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(alpn->data()),
                            static_cast<unsigned>(alpn->size()));
  if (options.session_tickets) {
    keep_sessions();
  } else {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    ::SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  }
  if (Result<void> trusted = trust(options.root_certs); !trusted) {
    return trusted;
  }
  return identify(options.certificate, options.key);
}

Result<void> TlsContext::trust(const std::vector<std::string>& files) {
  ::ERR_clear_error();
  if (files.empty() && ::SSL_CTX_set_default_verify_paths(context_.get()) != 1) {
    return fail(format("cannot read the root certificates of the system: {}", complaint()));
  }
  for (const std::string& file : files) {
    if (::SSL_CTX_load_verify_file(context_.get(), file.c_str()) != 1) {
      return fail(format("cannot read root certificates (PEM) from '{}': {}", file, complaint()));
    }
  }
  return {};
}

Result<void> TlsContext::identify(const std::string& certificate, const std::string& key) {
  SSL_CTX* const context = context_.get();
  if (certificate.empty()) {
    return key.empty() ? Result<void>() : fail("a client's key needs a certificate as well");
  }
  ::ERR_clear_error();
  ::SSL_CTX_set_default_passwd_cb(context, refuse_password);
  if (::SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1) {
    return fail(format("cannot read the client's certificate (PEM) from '{}': {}", certificate,
                       complaint()));
  }
  const std::string& file = key.empty() ? certificate : key;
  if (::SSL_CTX_use_PrivateKey_file(context, file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return fail(format(
        "cannot use the client's key (PEM, without password) in '{}' for the certificate in '{}': "
        "{}",
        file, certificate, complaint()));
  }
  return {};
}

void TlsContext::keep_sessions() {
  SSL_CTX_set_session_cache_mode(context_.get(),
                                 SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  ::SSL_CTX_sess_set_new_cb(context_.get(), on_session);
}

/// From within OpenSSL, when the server gave a ticket, or a session (1.2). 1: it is ours now.
int TlsContext::on_session(ssl_st* ssl, ssl_session_st* session) {
  const auto* stream = static_cast<const TlsStream*>(SSL_get_app_data(ssl));
  auto& sessions = stream->context_.sessions_;
  if (sessions.size() >= kSessionsMax) {
    sessions.clear();
  }
  sessions[stream->host_].reset(session);
  return 1;
}

}  // namespace forebay::net
