#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/text.h"
#include "http/text.h"
#include "load/target_reader.h"
#include "load/url.h"

/// For tests and the fuzz target: any bytes at all as a file of targets.
namespace forebay::load {

/// A file in memory, to be read from its start.
inline Fd file_of(std::string_view bytes) {
  Fd file(::memfd_create("targets", MFD_CLOEXEC));
  CHECK(::write(file.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  CHECK(::lseek(file.get(), 0, SEEK_SET) == 0);
  return file;
}

/// What was read can be sent as it is.
inline void check_target(const Target& target) {
  CHECK(http::is_token(target.method));
  const Result<Url> url = parse_url(target.url);
  CHECK(url.has_value());
  CHECK(!url->host.empty() && url->port != 0);
  CHECK(url->target.starts_with('/'));
  CHECK(std::ranges::all_of(url->target, [](char c) { return c > ' ' && c < 0x7f; }));
  CHECK(url->target.find('#') == std::string::npos);
  for (const auto& [name, value] : target.headers) {
    CHECK(http::is_token(name));
    CHECK(http::is_text(value));
  }
  CHECK(target.body != nullptr);
}

/// Reads all targets and returns their number. The one that is bad, if any, has a place.
inline std::size_t check_targets(TargetReader& reader) {
  std::size_t count = 0;
  for (Target target;; ++count) {
    const Result<bool> more = reader.next(target);
    if (!more) {
      CHECK(more.error().message.ends_with(" of fuzz)"));
      return count;
    }
    if (!*more) {
      return count;
    }
    check_target(target);
  }
}

/// Reads the bytes in both formats, and as the two halves of a redirect.
inline std::size_t check_targets(std::string_view bytes) {
  // No body is opened: its name would be any file of this machine.
  std::string without_bodies(bytes);
  std::ranges::replace(without_bodies, '@', '~');
  const Body none = std::make_shared<const std::string>();
  const HeaderFields defaults{{"X-Default", "yes"}};
  const auto http = make_http_reader(LineReader(file_of(without_bodies), "fuzz"), defaults, none);
  const auto json = make_json_reader(LineReader(file_of(bytes), "fuzz"), defaults, none);
  const std::size_t count = check_targets(*http) + check_targets(*json);

  const std::size_t middle = bytes.size() / 2;
  const std::string resolved = resolve_url(bytes.substr(0, middle), bytes.substr(middle));
  if (const Result<Url> url = parse_url(resolved)) {
    CHECK(parse_url(format("http{}://{}{}", url->tls ? "s" : "", url->authority(), url->target))
              ->target == url->target);
  }
  return count;
}

}  // namespace forebay::load
