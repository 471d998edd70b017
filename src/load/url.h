#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace forebay::load {

/// An absolute URL of http or https (RFC 3986, RFC 9110 section 4.2), taken apart for a client.
struct Url {
  bool tls = false;
  std::string host;  // a name or an address; IPv6 without its brackets
  std::uint16_t port = 0;
  std::string target;         // path and query as they are sent, never empty
  std::string authorization;  // value of that header, from "user:password@"; mostly empty

  /// Value of the header Host: with the port unless it is the scheme's own.
  [[nodiscard]] std::string authority() const;

  [[nodiscard]] bool operator==(const Url&) const = default;
};

/// Spaces and bytes beyond ASCII after the host are percent-encoded, other bytes left as they are;
/// a fragment is dropped. Errors: no http or https, no host, a port that is none, control
/// characters; in words that fit after the URL.
Result<Url> parse_url(std::string_view text);

/// The URL that `reference` means in a document at `base`, an absolute URL (RFC 3986 section 5.2).
std::string resolve_url(std::string_view base, std::string_view reference);

}  // namespace forebay::load
