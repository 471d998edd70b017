#include "cli/client_options.h"

#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "cli/add_option.h"

namespace forebay::cli {
namespace {

constexpr const char* kTrustedByDefault = "127.0.0.1,::1";

void add_limits(CLI::App& command, ServeOptions& o) {
  const std::string group = "Limits of a request";
  http::RequestLimits& limits = o.front.limits;
  add_count(command, "--limit-request-line", limits.request_line_bytes, kOne, std::size_t{8190},
            "Bytes; beyond: 414")
      ->group(group);
  add_count(command, "--limit-request-fields", limits.fields, kOne, std::size_t{32768},
            "Header fields; beyond: 431")
      ->group(group);
  add_count(command, "--limit-request-field_size,--limit-request-field-size", limits.field_bytes,
            kOne, std::size_t{65536}, "Bytes of one header field; beyond: 431")
      ->group(group);
  add_parsed(command, "--max-body", limits.body_bytes, parse_bytes, "Beyond: 413", "SIZE", "1G")
      ->group(group);
  add_parsed(command, "--head-timeout", o.front.head_timeout, parse_positive_duration,
             "From a request's first byte to the end of its head; beyond: 408", "TIME", "30s")
      ->group(group);
  add_parsed(command, "--body-timeout", o.front.body_timeout, parse_positive_duration,
             "A body that comes slower than --min-body-rate for so long; then 408", "TIME", "60s")
      ->group(group);
  add_parsed(command, "--min-body-rate", o.front.body_rate_min, parse_bytes,
             "Bytes per second; 0 = any byte will do", "SIZE", "500")
      ->group(group);
}

void add_clients(CLI::App& command, ServeOptions& o) {
  const std::string group = "Limits of a client";
  add_parsed(command, "--write-timeout", o.front.write_timeout, parse_positive_duration,
             "A client that takes its answer slower than --min-write-rate for so long; then it is "
             "closed",
             "TIME", "60s")
      ->group(group);
  add_parsed(command, "--min-write-rate", o.front.write_rate_min, parse_bytes,
             "Bytes per second; 0 = any byte will do", "SIZE", "500")
      ->group(group);
  add_parsed(command, "--max-spool", o.front.spool_max, parse_positive_bytes,
             "Bytes of one answer that are kept for a slow reader; beyond: the worker waits",
             "SIZE", "1G")
      ->group(group);
  add_parsed(command, "--max-spool-bytes", o.front.spool_total_max, parse_positive_bytes,
             "The same of all answers together", "SIZE", "4G")
      ->group(group);
  add_count(command, "--max-requests-per-connection", o.front.requests_per_connection_max,
            std::uint64_t{0}, std::uint64_t{kMany}, "Then the connection is closed; 0 = no limit")
      ->group(group);
  command
      .add_option_function<std::string>(
          "--half-close",
          [&o](const std::string& text) {
            if (text != "abort" && text != "allow") {
              throw CLI::ValidationError("--half-close",
                                         format("'{}' is neither abort nor allow", text));
            }
            o.front.half_close = text == "allow";
          },
          "A client that closes its sending side has left (abort), or still reads (allow)")
      ->type_name("WORD")
      ->default_str("abort")
      ->group(group);
  command
      .add_option("--spool-dir", o.front.spool_directory,
                  "Where large bodies and responses of slow readers are kept, in unlinked files")
      ->type_name("DIR")
      ->check(existing_directory())
      ->capture_default_str()
      ->group(group);
}

Result<http::UnderscoreNames> parse_header_map(std::string_view text) {
  if (text == "drop") {
    return http::UnderscoreNames::kDrop;
  }
  if (text == "refuse") {
    return http::UnderscoreNames::kRefuse;
  }
  if (text == "dangerous") {
    return http::UnderscoreNames::kPass;
  }
  return fail(format("'{}' is no way to treat them: use drop, refuse or dangerous", text));
}

/// "/shop", "/shop/" or "".
Result<std::string> parse_root_path(std::string_view text) {
  if (!text.empty() && text[0] != '/') {
    return fail(format("'{}' must begin with /", text));
  }
  return std::string(text.substr(0, text.find_last_not_of('/') + 1));
}

void set_scheme_fields(front::Forwarding& forwarding, const std::vector<std::string>& pairs) {
  forwarding.scheme_fields.clear();
  for (const std::string& pair : pairs) {
    const std::size_t equals = pair.find('=');
    if (equals == 0 || equals == std::string::npos) {
      throw CLI::ValidationError("--secure-scheme-header", format("'{}' is not NAME=VALUE", pair));
    }
    forwarding.scheme_fields.push_back({pair.substr(0, equals), pair.substr(equals + 1)});
  }
}

void add_proxies(CLI::App& command, ServeOptions& o) {
  const std::string group = "Proxies in front";
  front::Forwarding& forwarding = o.front.forwarding;
  add_parsed(command, "--root-path", forwarding.script_name, parse_root_path,
             "Where the application is mounted, its SCRIPT_NAME: other paths are 404", "PATH", "")
      ->envname("SCRIPT_NAME")
      ->group(group);
  add_parsed(command, "--forwarded-allow-ips", forwarding.trusted, net::NetworkSet::parse,
             "Proxies that may say the scheme, SCRIPT_NAME and the client: addresses, networks, or "
             "* for all; who connects by a unix socket may always",
             "LIST", kTrustedByDefault)
      ->envname("FORWARDED_ALLOW_IPS")
      ->group(group);
  command
      .add_option_function<std::vector<std::string>>(
          "--secure-scheme-header",
          [&forwarding](const std::vector<std::string>& pairs) {
            set_scheme_fields(forwarding, pairs);
          },
          "A header by which a trusted proxy says https; repeatable, replaces the defaults")
      ->type_name("NAME=VALUE")
      ->default_str("X-Forwarded-Proto=https X-Forwarded-Protocol=ssl X-Forwarded-Ssl=on")
      ->group(group);
  command
      .add_option("--forwarder-headers", forwarding.forwarder_fields,
                  "Header names with _ that a trusted proxy may send; * for all")
      ->type_name("NAME,...")
      ->delimiter(',')
      ->default_str("SCRIPT_NAME,PATH_INFO")
      ->group(group);
  command
      .add_flag("--proxy-protocol", o.front.proxy_protocol,
                "Each connection begins with the PROXY protocol, version 1 or 2, that names the "
                "client; others are closed")
      ->group(group);
  add_parsed(command, "--proxy-allow-from", o.front.proxies, net::NetworkSet::parse,
             "Proxies that may connect with --proxy-protocol: addresses, networks, or * for all; "
             "by a unix socket always",
             "LIST", kTrustedByDefault)
      ->group(group);
  add_parsed(command, "--header-map", o.front.limits.underscore_names, parse_header_map,
             "Other header names with _: drop, refuse (400), or dangerous: pass them on", "WORD",
             "drop")
      ->group(group);
  command
      .add_flag("--real-ip", forwarding.client,
                "REMOTE_ADDR and the logs show the client that a trusted proxy's X-Forwarded-For "
                "names, not the proxy")
      ->group(group);
}

void add_marks(CLI::App& command, ServeOptions& o) {
  const std::string group = "Marks of requests";
  front::Marking& marking = o.front.marking;
  command
      .add_flag("--request-id", marking.request_id,
                "Give each request an X-Request-ID, unless it has one, and its answer the same")
      ->group(group);
  command
      .add_flag("--trace", marking.trace,
                "Give each request a traceparent, unless it has one (W3C Trace Context)")
      ->group(group);
  command
      .add_flag("--server-timing", marking.server_timing,
                "Give each answer a Server-Timing: milliseconds in the queue, and in the "
                "application up to the first byte")
      ->group(group);
}

}  // namespace

void add_client_options(CLI::App& command, ServeOptions& options) {
  add_limits(command, options);
  add_clients(command, options);
  add_proxies(command, options);
  add_marks(command, options);
}

}  // namespace forebay::cli
