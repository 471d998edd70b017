#include "cli/attack_options.h"

#include <charconv>
#include <optional>
#include <string>
#include <tuple>

#include <CLI/CLI.hpp>

#include "base/text.h"
#include "cli/add_option.h"
#include "http/text.h"
#include "load/rate.h"
#include "load/targets.h"
#include "load/wall_time.h"
#include "net/address.h"

namespace forebay::cli {
namespace {

constexpr std::uint64_t kUnlimited = UINT64_MAX;
constexpr std::uint16_t kExporterPort = 8880;  // vegeta's

Result<load::TargetOptions::Format> parse_format(std::string_view text) {
  if (text == "http") {
    return load::TargetOptions::Format::kHttp;
  }
  if (text == "json") {
    return load::TargetOptions::Format::kJson;
  }
  return fail(format("target format \"{}\" isn't valid (must be one of http or json)", text));
}

Result<load::Pacing> parse_pacing(std::string_view text) {
  if (text == "eco") {
    return load::Pacing::kEco;
  }
  if (text == "precise") {
    return load::Pacing::kPrecise;
  }
  if (text == "spin") {
    return load::Pacing::kSpin;
  }
  return fail(format("'{}' is no way of pacing: use eco, precise or spin", text));
}

/// It goes into a header of each request.
Result<std::string> parse_name(std::string_view text) {
  if (!http::is_text(text)) {
    return fail("control characters in it");
  }
  return std::string(text);
}

Result<net::Address> parse_unix_socket(std::string_view path) {
  return net::parse_address(format("unix:{}", path), 0);
}

Result<net::Address> parse_exporter_address(std::string_view text) {
  return net::parse_address(text, kExporterPort);
}

Result<net::Address> parse_local_address(std::string_view ip) {
  return net::parse_address(
      ip.find(':') == std::string_view::npos ? format("{}:0", ip) : format("[{}]:0", ip), 0);
}

/// Vegeta's numbers: 0 is for ever, below is never.
Result<std::optional<Duration>> parse_dns_ttl(std::string_view text) {
  if (text == "-1") {
    return Duration{0};
  }
  const Result<Duration> ttl = load::parse_go_duration(text);
  if (!ttl) {
    return std::unexpected(ttl.error());
  }
  return *ttl == Duration{0} ? std::optional<Duration>() : std::max(*ttl, Duration{0});
}

/// Vegeta's sizes: "-1" for all, "512", "10 KB", "1MB", in powers of 1024.
Result<std::int64_t> parse_max_body(std::string_view text) {
  if (text == "-1") {
    return -1;
  }
  std::string size(text);
  std::erase(size, ' ');
  if (size.ends_with('B') || size.ends_with('b')) {
    size.pop_back();
  }
  const Result<std::uint64_t> bytes = parse_bytes(size);
  if (!bytes || *bytes > INT64_MAX) {
    return fail(format("'{}' is no size: write it as 512, 10KB or 1MB; -1 is all", text));
  }
  return static_cast<std::int64_t>(*bytes);
}

/// "src:port:dst:port", each host without colons.
Result<void> add_connect_to(load::ClientOptions& client, std::string_view text) {
  const std::size_t second = text.find(':', text.find(':') + 1);
  const std::string_view to = second == std::string_view::npos ? "" : text.substr(second + 1);
  const std::size_t colon = to.find(':');
  std::uint16_t port = 0;
  if (colon != std::string_view::npos && colon != 0 && text.front() != ':') {
    const auto [end, error] = std::from_chars(to.data() + colon + 1, to.data() + to.size(), port);
    if (error == std::errc() && end == to.data() + to.size() && port != 0) {
      client.connect_to[std::string(text.substr(0, second))].emplace_back(to.substr(0, colon),
                                                                          port);
      return {};
    }
  }
  return fail(format("'{}' is not SRC:PORT:DST:PORT", text));
}

/// "k/K", k from 0.
Result<std::pair<std::uint64_t, std::uint64_t>> parse_shard(std::string_view text) {
  std::pair<std::uint64_t, std::uint64_t> shard;
  const char* end = text.data() + text.size();
  const auto k = std::from_chars(text.data(), end, shard.first);
  if (k.ec == std::errc() && k.ptr != end && *k.ptr == '/') {
    const auto all = std::from_chars(k.ptr + 1, end, shard.second);
    if (all.ec == std::errc() && all.ptr == end && shard.first < shard.second) {
      return shard;
    }
  }
  return fail(format("'{}' is no shard: write k/K with k from 0 to K-1, as in 0/3", text));
}

/// Unix seconds, or RFC 3339.
Result<std::int64_t> parse_moment(std::string_view text) {
  double seconds = 0;
  const char* end = text.data() + text.size();
  if (const auto [rest, error] = std::from_chars(text.data(), end, seconds);
      error == std::errc() && rest == end && seconds > 0 && seconds < 9e9) {
    return static_cast<std::int64_t>(seconds * 1e9);
  }
  if (const std::optional<std::int64_t> ns = load::parse_rfc3339(text)) {
    return *ns;
  }
  return fail(format("'{}' is no time: write 2026-01-31T12:00:00Z, or seconds since 1970", text));
}

/// An option that may come again; each value goes to `add`.
template <typename Add>
CLI::Option* add_list(CLI::App& app, const std::string& flag, Add add, const std::string& help,
                      const std::string& type) {
  return app
      .add_option_function<std::vector<std::string>>(
          flag,
          [add, flag](const std::vector<std::string>& values) {
            for (const std::string& value : values) {
              if (const Result<void> added = add(value); !added) {
                throw CLI::ValidationError(flag, added.error().message);
              }
            }
          },
          help)
      ->type_name(type);
}

void add_targets(CLI::App& app, AttackArguments& o) {
  const std::string group = "Targets";
  load::TargetOptions& targets = o.attack.targets;
  app.add_option("--targets", targets.path, "File of targets")
      ->type_name("FILE")
      ->capture_default_str()
      ->group(group);
  add_parsed(app, "--format", targets.format, parse_format, "http (METHOD URL) or json", "FORMAT",
             "http")
      ->group(group);
  app.add_flag("--lazy", targets.lazy,
               "Read targets as they are needed, end at the end of the file")
      ->group(group);
  app.add_option("--body", targets.body_path, "File with the body of targets that have none")
      ->type_name("FILE")
      ->group(group);
  add_list(
      app, "--header",
      [&targets](std::string_view line) -> Result<void> {
        auto header = load::parse_header(line);
        if (!header) {
          return std::unexpected(header.error());
        }
        targets.headers.push_back(std::move(*header));
        return {};
      },
      "Header of all targets, 'Name: value'; repeatable", "HEADER")
      ->group(group);
}

void add_schedule(CLI::App& app, AttackArguments& o) {
  const std::string group = "Schedule";
  load::AttackOptions& attack = o.attack;
  add_parsed(app, "--rate", o.rate, load::parse_rate,
             "Hits per time: N (a second), N/1m; 0: as fast as -max-workers allow", "RATE", "50/1s")
      ->group(group);
  add_parsed(app, "--duration", attack.schedule.duration, load::parse_go_duration,
             "How long; 0: until a signal", "TIME", "0s")
      ->group(group);
  app.add_option("--arrivals", attack.schedule.arrivals,
                 "When hits come. At -rate on average: constant, poisson, jitter (each anywhere in "
                 "its gap), bursts:K (K at once), sine:AMPLITUDE@PERIOD (around -rate). From -rate "
                 "to another in -duration: ramp:TO. With their own times, without -rate: "
                 "steps:30s@50,1m@200, replay:FILE[@SPEED] (those of an access log)")
      ->type_name("LAW")
      ->capture_default_str()
      ->group(group);
  app.add_option("--seed", attack.schedule.seed,
                 "Of random arrivals (poisson, jitter): the same seed, the same times")
      ->type_name("N")
      ->capture_default_str()
      ->group(group);
  add_parsed(app, "--shard", o.shard, parse_shard,
             "k/K: only hits k, k + K, ... of the schedule; K machines together send it all", "k/K",
             "0/1")
      ->group(group);
  add_parsed(app, "--start-at", attack.start_at_ns, parse_moment,
             "When the schedule begins, the same for all shards: RFC 3339 or seconds since 1970",
             "TIME", "now")
      ->group(group);
  add_parsed(app, "--pacing", attack.pacing, parse_pacing,
             "eco (no spinning), precise (awake shortly before a hit), spin (a CPU for it)", "HOW",
             "precise")
      ->group(group);
  app.add_option("--concurrency", o.concurrency,
                 "Closed loop, as ab and wrk: so many at a time, the next when one is done")
      ->check(above_zero())
      ->type_name("N")
      ->group(group);
  app.add_option("--requests", attack.requests, "Of a closed loop: how many")
      ->check(above_zero())
      ->type_name("N")
      ->group(group);
}

void add_client(CLI::App& app, AttackArguments& o) {
  const std::string group = "Client";
  load::ClientOptions& client = o.attack.client;
  add_parsed(app, "--timeout", client.timeout, load::parse_go_duration,
             "Of a whole exchange; 0: none", "TIME", "30s")
      ->group(group);
  app.add_option("--redirects", client.redirects,
                 "How many are followed; -1: none, and that is a success")
      ->type_name("N")
      ->capture_default_str()
      ->group(group);
  add_parsed(app, "--max-body", client.body_kept_max, parse_max_body,
             "Bytes of an answer that are kept, as in 10KB; -1: all", "SIZE", "-1")
      ->group(group);
  app.add_flag("--keepalive,!--no-keepalive", client.keep_alive, "Use connections again")
      ->group(group);
  app.add_flag("--chunked", client.chunked, "Send bodies in chunks")->group(group);
  app.add_option("--connections", client.idle_max, "Idle connections kept per host")
      ->type_name("N")
      ->capture_default_str()
      ->group(group);
  app.add_option("--max-connections", client.connections_max, "Connections per host; 0: no limit")
      ->type_name("N")
      ->capture_default_str()
      ->group(group);
  app.add_option("--workers", o.workers, "Taken, without effect: hits need no workers here")
      ->type_name("N")
      ->group(group);
  app.add_option("--threads,--cpus", o.attack.threads, "Threads; 0: as many as the rate needs")
      ->type_name("N")
      ->capture_default_str()
      ->group(group);
  app.add_option("--max-workers", o.attack.workers_max, "Hits under way at once")
      ->check(above_zero())
      ->type_name("N")
      ->group(group);
}

void add_connecting(CLI::App& app, AttackArguments& o) {
  const std::string group = "Connecting";
  load::ClientOptions& client = o.attack.client;
  add_parsed(app, "--unix-socket", client.unix_socket, parse_unix_socket,
             "Connect to it, whatever the targets say", "PATH", "")
      ->group(group);
  add_list(
      app, "--connect-to",
      [&client](std::string_view text) { return add_connect_to(client, text); },
      "SRC:PORT:DST:PORT: connect to DST instead of SRC; repeats take turns", "FROM:TO")
      ->group(group);
  add_parsed(app, "--laddr", client.local_address, parse_local_address, "Local IP address", "IP",
             "0.0.0.0")
      ->group(group);
  app.add_option("--resolvers", client.resolver.servers, "DNS servers, IP or IP:PORT, by comma")
      ->delimiter(',')
      ->type_name("LIST")
      ->group(group);
  add_parsed(app, "--dns-ttl", client.resolver.keep, parse_dns_ttl,
             "For how long an answer is good; 0: for ever, -1: not at all", "TIME", "0s")
      ->group(group);
}

void add_tls(CLI::App& app, AttackArguments& o) {
  const std::string group = "TLS and HTTP/2";
  net::TlsOptions& tls = o.attack.client.tls;
  app.add_flag("--insecure", tls.insecure, "Do not check the server's certificate")->group(group);
  app.add_option("--root-certs", tls.root_certs, "PEM files of who is trusted, by comma")
      ->delimiter(',')
      ->type_name("FILES")
      ->group(group);
  app.add_option("--cert", tls.certificate, "PEM file of the client's certificate")
      ->type_name("FILE")
      ->group(group);
  app.add_option("--key", tls.key, "PEM file of its key, if that is not in the same")
      ->type_name("FILE")
      ->group(group);
  app.add_flag("--http2,!--no-http2", o.http2, "HTTP/2 where the server offers it")->group(group);
  app.add_flag("--h2c", o.attack.client.http2_prior_knowledge, "HTTP/2 without TLS")->group(group);
  app.add_flag("--session-tickets", tls.session_tickets, "Resume TLS sessions")->group(group);
}

void add_result(CLI::App& app, AttackArguments& o) {
  const std::string group = "Result";
  add_parsed(app, "--name", o.attack.client.name, parse_name, "Of the attack, in each result",
             "NAME", "")
      ->group(group);
  app.add_option("--output", o.attack.output, "File of results")
      ->type_name("FILE")
      ->capture_default_str()
      ->group(group);
  add_parsed(app, "--prometheus-addr", o.attack.prometheus, parse_exporter_address,
             "Metrics for Prometheus while it runs, at HOST:PORT (8880)", "ADDRESS", "")
      ->group(group);
  add_parsed(app, "--encoding", o.attack.encoding, load::parse_encoding,
             "binary (ours, keeps all), json, csv, gob", "WORD", "binary")
      ->group(group);
  app.add_flag("--quiet", o.quiet,
               "Nothing on stderr while it runs; else a live view on a terminal, elsewhere a line "
               "each 5 s")
      ->group(group);
  add_parsed(app, "--assert", o.assertions, load::Assertions::parse,
             "What the figures must be: 'p99<250ms,success>=99.9%,status.503<1%'", "LIST", "")
      ->group(group);
}

/// -arrivals says when hits come; it must not be given in vain, nor -rate beside it.
Result<void> check_arrivals(const AttackArguments& o) {
  const load::ScheduleOptions& schedule = o.attack.schedule;
  if (schedule.rate.hits == 0 && schedule.arrivals != "constant") {
    return fail(format("-arrivals={} is of a schedule: a closed loop has none", schedule.arrivals));
  }
  for (const std::string_view law : {"steps", "replay"}) {
    if (o.rate && schedule.arrivals.starts_with(law)) {
      return fail(format("-arrivals={} has its own times: leave -rate away", law));
    }
  }
  return {};
}

}  // namespace

void add_attack_options(CLI::App& app, AttackArguments& arguments) {
  add_targets(app, arguments);
  add_schedule(app, arguments);
  add_client(app, arguments);
  add_connecting(app, arguments);
  add_tls(app, arguments);
  add_result(app, arguments);
  add_refused(app, "--proxy-header", "requests go to the targets themselves, not through a proxy");
  add_refused(app, "--profile", "there is no Go runtime to profile: use perf(1)");
}

Result<void> check(AttackArguments& arguments) {
  load::AttackOptions& attack = arguments.attack;
  if (arguments.http2 && attack.client.keep_alive) {
    attack.client.tls.alpn = {"h2", "http/1.1"};
  }
  std::tie(attack.shard, attack.shards) = arguments.shard;
  if (attack.schedule.duration == Duration{0}) {
    attack.schedule.duration.reset();
  }
  attack.schedule.rate = arguments.rate.value_or(load::Rate{});
  if (arguments.concurrency) {
    if (arguments.rate && arguments.rate->hits != 0) {
      return fail("-concurrency is a closed loop, as fast as the answers come: leave -rate away");
    }
    attack.schedule.rate.hits = 0;
    attack.workers_max = *arguments.concurrency;
  }
  if (const Result<void> arrivals = check_arrivals(arguments); !arrivals) {
    return arrivals;
  }
  if (attack.schedule.rate.hits == 0 && attack.workers_max == kUnlimited) {
    return fail("-rate=0 requires -max-workers to be set, or use -concurrency");
  }
  if (attack.requests && attack.schedule.rate.hits != 0) {
    return fail("-requests is of a closed loop: it needs -concurrency; with -rate use -duration");
  }
  return {};
}

}  // namespace forebay::cli
