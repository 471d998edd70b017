#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

/// What the lab writes down for the servers that it starts.
namespace forebay::lab {

/// The WSGI application: it needs only the standard library. It reads LAB_SERVICE, seconds, and
/// writes lines "boot|start|end TIME PID TARGET" into the file LAB_JOURNAL.
std::string application_text();

/// Settings that some versions do not know are ignored in a configuration file.
inline constexpr const char* kGunicornConfig = "control_socket_disable = True\n";

struct NginxSite {
  std::string directory;
  std::uint16_t port = 0;
  unsigned backlog = 0;
  std::string upstream;  // "unix:PATH" or "HOST:PORT"
  double read_timeout = 0;
};
std::string nginx_text(const NginxSite& site);

struct HaproxySite {
  std::uint16_t port = 0;
  std::string server;  // path of a unix socket
  unsigned workers = 0;
};
std::string haproxy_text(const HaproxySite& site);

Result<void> write_text(const std::string& path, const std::string& text);

}  // namespace forebay::lab
