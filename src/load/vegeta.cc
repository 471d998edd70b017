#include "load/vegeta.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "http/text.h"

namespace forebay::load {
namespace {

struct Words {
  std::string_view text;  // somewhere in the error
  Failure failure;
};

/// The first that fits counts.
constexpr std::array kWords{
    Words{"no such host", Failure::kDns},
    Words{"lookup ", Failure::kDns},
    Words{"connection refused", Failure::kRefused},
    Words{"tls: ", Failure::kTls},
    Words{"x509: ", Failure::kTls},
    Words{"TLS handshake", Failure::kTls},
    Words{"stopped after", Failure::kRedirects},
    Words{"awaiting headers", Failure::kTimeout},  // Go says so even if it never got a connection
    Words{"reading body", Failure::kTimeout},
    Words{"Client.Timeout", Failure::kTimeout},
    Words{"deadline exceeded", Failure::kTimeout},
    Words{"dial tcp", Failure::kConnect},
    Words{"dial unix", Failure::kConnect},
    Words{"connection reset", Failure::kReset},
    Words{"broken pipe", Failure::kReset},
    Words{"i/o timeout", Failure::kTimeout},
    Words{"malformed HTTP", Failure::kProtocol},
    Words{"EOF", Failure::kClosed},
    Words{"closed", Failure::kClosed},
    Words{"too many open files", Failure::kSend},
};

std::string go_name(std::string_view name) {
  std::string text(name);
  if (!http::is_token(name)) {
    return text;
  }
  bool first = true;
  for (char& c : text) {
    c = to_lower(c);
    if (first && c >= 'a' && c <= 'z') {
      c = static_cast<char>(c - 'a' + 'A');
    }
    first = c == '-';
  }
  return text;
}

}  // namespace

int vegeta_code(const Hit& hit) {
  return hit.failure == Failure::kNone || hit.failure == Failure::kStatus ? hit.code : 0;
}

Failure failure_of(int code, std::string_view error) {
  const bool bad_status = code != 0 && (code < 200 || code >= 400);
  if (bad_status) {
    return Failure::kStatus;
  }
  if (code != 0 && error.empty()) {
    return Failure::kNone;
  }
  const auto* words = std::ranges::find_if(
      kWords, [error](const Words& known) { return error.contains(known.text); });
  return words != kWords.end() ? words->failure : Failure::kProtocol;
}

HeaderGroups group_headers(const HeaderFields& fields) {
  HeaderGroups groups;
  for (const auto& [name, value] : fields) {
    groups[go_name(name)].push_back(value);
  }
  return groups;
}

}  // namespace forebay::load
