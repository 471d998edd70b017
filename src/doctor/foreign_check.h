#pragma once

#include <cstddef>
#include <string_view>

#include "base/check.h"
#include "doctor/gunicorn_config.h"
#include "doctor/netlink.h"
#include "doctor/nginx_config.h"
#include "doctor/proc.h"
#include "doctor/sockets.h"
#include "doctor/status_page.h"

/// For tests and the fuzz target: any bytes at all as all that the doctor reads of others.
namespace forebay::doctor {

inline std::size_t count_directives(const std::vector<Directive>& level) {
  std::size_t count = level.size();
  for (const Directive& directive : level) {
    CHECK(!directive.words.empty());
    CHECK(directive.where.starts_with("fuzz:"));
    count += count_directives(directive.block);
  }
  return count;
}

/// Returns how much made sense.
inline std::size_t check_foreign_bytes(std::string_view bytes) {
  std::size_t count = 0;
  (void)read_messages(std::as_bytes(std::span(bytes)), [&count](Bytes message) {
    count += parse_unix_listener(message) ? 1 : 0;
    count += parse_tcp_listener(message) ? 1 : 0;
  });
  if (const auto directives = parse_directives(bytes, "fuzz")) {
    count += count_directives(*directives);
  }
  if (const auto seconds = parse_nginx_time(bytes)) {
    CHECK(*seconds >= 0);
    ++count;
  }
  GunicornConfig config;
  read_gunicorn_file(bytes, "fuzz", config);
  CHECK(config.timeout_seconds >= 0);
  count += config.backlog_where.starts_with("fuzz:") ? 1 : 0;
  count += parse_forebay_status(bytes) ? 1 : 0;
  count += parse_listen_counters(bytes) ? 1 : 0;
  count += parse_stat(bytes) ? 1 : 0;
  count += parse_inode_link(bytes, "socket") ? 1 : 0;
  return count;
}

}  // namespace forebay::doctor
