#pragma once

#include <unistd.h>

#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/fd.h"
#include "base/temporary_directory_test.h"

/// For tests: certificates made on the spot, and the server's end of a TLS connection.
namespace forebay::net {

struct FreeOpenSsl {
  void operator()(X509* certificate) const { ::X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { ::EVP_PKEY_free(key); }
  void operator()(SSL_CTX* context) const { ::SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { ::SSL_free(ssl); }
};
template <typename T>
using OpenSsl = std::unique_ptr<T, FreeOpenSsl>;

struct Certificate {
  OpenSsl<X509> certificate;
  OpenSsl<EVP_PKEY> key;
};

struct CertificateWish {
  std::string names = "DNS:good.test,IP:127.0.0.1";  // subjectAltName; empty: an authority
  long valid_from_s = -3600;                         // from now
  long valid_until_s = 3600;
  const Certificate* issuer = nullptr;  // null: itself
};

inline void add_extension(X509& certificate, int id, const std::string& value) {
  X509_EXTENSION* const extension = ::X509V3_EXT_conf_nid(nullptr, nullptr, id, value.c_str());
  ASSERT_NE(extension, nullptr);
  ::X509_add_ext(&certificate, extension, -1);
  ::X509_EXTENSION_free(extension);
}

inline Certificate make_certificate(const CertificateWish& wish) {
  Certificate made{OpenSsl<X509>(::X509_new()), OpenSsl<EVP_PKEY>(EVP_EC_gen("P-256"))};
  X509& certificate = *made.certificate;
  static long serial = 0;
  ::X509_set_version(&certificate, X509_VERSION_3);
  ::ASN1_INTEGER_set(::X509_get_serialNumber(&certificate), ++serial);
  ::X509_gmtime_adj(::X509_getm_notBefore(&certificate), wish.valid_from_s);
  ::X509_gmtime_adj(::X509_getm_notAfter(&certificate), wish.valid_until_s);
  ::X509_set_pubkey(&certificate, made.key.get());
  const std::string name = "Forebay test " + std::to_string(serial);
  ::X509_NAME_add_entry_by_txt(::X509_get_subject_name(&certificate), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  const Certificate& issuer = wish.issuer != nullptr ? *wish.issuer : made;
  ::X509_set_issuer_name(&certificate, ::X509_get_subject_name(issuer.certificate.get()));
  if (wish.names.empty()) {
    add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
  } else {
    add_extension(certificate, NID_subject_alt_name, wish.names);
  }
  EXPECT_GT(::X509_sign(&certificate, issuer.key.get(), ::EVP_sha256()), 0);
  return made;
}

/// PEM files in a directory of its own.
class PemFiles {
 public:
  [[nodiscard]] std::string path(const std::string& name) const { return directory_ / name; }
  /// Certificate, key or both, as the arguments say; returns the path.
  std::string write(const std::string& name, const X509* certificate, const EVP_PKEY* key,
                    const char* password = nullptr) {
    FILE* const file = ::fopen(path(name).c_str(), "w");
    EXPECT_NE(file, nullptr);
    if (certificate != nullptr) {
      EXPECT_EQ(::PEM_write_X509(file, certificate), 1);
    }
    if (key != nullptr) {
      EXPECT_EQ(::PEM_write_PKCS8PrivateKey(
                    file, key, password != nullptr ? ::EVP_aes_128_cbc() : nullptr, password,
                    password != nullptr ? 4 : 0, nullptr, nullptr),
                1);
    }
    ::fclose(file);
    return path(name);
  }

 private:
  TemporaryDirectory directory_;
};

/// What the servers of a test share.
inline OpenSsl<SSL_CTX> server_context(const Certificate& certificate) {
  OpenSsl<SSL_CTX> context(::SSL_CTX_new(::TLS_server_method()));
  EXPECT_EQ(::SSL_CTX_use_certificate(context.get(), certificate.certificate.get()), 1);
  EXPECT_EQ(::SSL_CTX_use_PrivateKey(context.get(), certificate.key.get()), 1);
  ::SSL_CTX_set_session_id_context(context.get(), reinterpret_cast<const unsigned char*>("t"), 1);
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return context;
}

/// One connection as its server sees it, that never blocks: step() does what there is to do.
class TlsServer {
 public:
  TlsServer(SSL_CTX& context, Fd socket) : socket_(std::move(socket)), ssl_(::SSL_new(&context)) {
    ::SSL_set_fd(ssl_.get(), socket_.get());
    ::SSL_set_accept_state(ssl_.get());
  }

  void step() {
    if (!socket_) {
      return;
    }
    if (!::SSL_is_init_finished(ssl_.get())) {
      ::SSL_do_handshake(ssl_.get());
      return;
    }
    if (!to_send.empty()) {
      const int sent = ::SSL_write(ssl_.get(), to_send.data(), static_cast<int>(to_send.size()));
      to_send.erase(0, sent > 0 ? static_cast<std::size_t>(sent) : 0);
    }
    std::string piece(16384, ' ');
    const int bytes = reads ? ::SSL_read(ssl_.get(), piece.data(), int(piece.size())) : 0;
    received.append(piece, 0, bytes > 0 ? static_cast<std::size_t>(bytes) : 0);
    closed = closed || (::SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
  }
  [[nodiscard]] SSL* ssl() const { return ssl_.get(); }
  void close() { socket_.reset(); }

  std::string received;
  std::string to_send;
  bool reads = true;
  bool closed = false;  // by the client, with TLS' own end

 private:
  Fd socket_;
  OpenSsl<SSL> ssl_;
};

}  // namespace forebay::net
