#include "load/attack.h"

#include <unistd.h>

#include <cstdio>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "base/text.h"
#include "cli/add_option.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "load/rate.h"

namespace forebay::cli {
namespace {

/// What can be told to `forebay attack` beside what load::attack() is given.
struct AttackArguments {
  load::AttackOptions attack;
  std::optional<std::uint64_t> concurrency;
};

constexpr std::uint64_t kUnlimited = UINT64_MAX;

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

Result<std::pair<std::string, std::string>> parse_header(std::string_view text) {
  const std::size_t colon = text.find(':');
  const auto trim = [](std::string_view word) {
    const std::size_t begin = word.find_first_not_of(" \t");
    return begin == std::string_view::npos
               ? std::string()
               : std::string(word.substr(begin, word.find_last_not_of(" \t") - begin + 1));
  };
  if (colon == std::string_view::npos) {
    return fail(format("header '{}' has a wrong format: write 'Name: value'", text));
  }
  std::pair<std::string, std::string> header{trim(text.substr(0, colon)),
                                             trim(text.substr(colon + 1))};
  if (header.first.empty() || header.second.empty()) {
    return fail(format("header '{}' has a wrong format: write 'Name: value'", text));
  }
  return header;
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
  app.add_option_function<std::vector<std::string>>(
         "--header",
         [&targets](const std::vector<std::string>& lines) {
           for (const std::string& line : lines) {
             auto header = parse_header(line);
             if (!header) {
               throw CLI::ValidationError("--header", header.error().message);
             }
             targets.headers.push_back(std::move(*header));
           }
         },
         "Header of all targets, 'Name: value'; repeatable")
      ->type_name("HEADER")
      ->group(group);
}

void add_schedule(CLI::App& app, AttackArguments& o) {
  const std::string group = "Schedule";
  load::AttackOptions& attack = o.attack;
  add_parsed(app, "--rate", attack.schedule.rate, load::parse_rate,
             "Hits per time: N (a second), N/1m; 0: as fast as -max-workers allow", "RATE", "50/1s")
      ->group(group);
  add_parsed(app, "--duration", attack.schedule.duration, load::parse_go_duration,
             "How long; 0: until a signal", "TIME", "0s")
      ->group(group);
  app.add_option("--arrivals", attack.schedule.arrivals,
                 "constant, poisson, jitter, bursts:K, ramp:TO, steps:30s@50,1m@200, "
                 "sine:AMPLITUDE@PERIOD, replay:FILE[@SPEED]")
      ->type_name("LAW")
      ->capture_default_str()
      ->group(group);
  app.add_option("--seed", attack.schedule.seed, "Of random arrivals")
      ->type_name("N")
      ->capture_default_str()
      ->group(group);
  add_parsed(app, "--pacing", attack.pacing, parse_pacing,
             "eco (no spinning), precise (awake shortly before a hit), spin (a CPU for it)", "HOW",
             "precise")
      ->group(group);
  app.add_option("--concurrency", o.concurrency,
                 "Closed loop, as ab and wrk: so many at a time, the next when one is done")
      ->check(CLI::PositiveNumber.description(""))
      ->type_name("N")
      ->group(group);
  app.add_option("--requests", attack.requests, "Of a closed loop: how many")
      ->check(CLI::PositiveNumber.description(""))
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
  app.add_option("--max-body", client.body_kept_max, "Bytes of an answer that are kept; -1: all")
      ->type_name("SIZE")
      ->capture_default_str()
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
  app.add_option("--max-workers", o.attack.workers_max, "Hits under way at once")
      ->check(CLI::PositiveNumber.description(""))
      ->type_name("N")
      ->group(group);
  app.add_option("--unix-socket", client.unix_socket, "Connect to it, whatever the targets say")
      ->type_name("PATH")
      ->group(group);
}

void add_result(CLI::App& app, AttackArguments& o) {
  const std::string group = "Result";
  app.add_option("--name", o.attack.client.name, "Of the attack, in each result")
      ->type_name("NAME")
      ->group(group);
  app.add_option("--output", o.attack.output, "File of results")
      ->type_name("FILE")
      ->capture_default_str()
      ->group(group);
  add_parsed(app, "--encoding", o.attack.encoding, load::parse_encoding,
             "binary (ours, keeps all), json, csv, gob", "WORD", "binary")
      ->group(group);
}

/// What no single option can see.
Result<void> check(AttackArguments& o) {
  load::AttackOptions& attack = o.attack;
  if (attack.schedule.duration == Duration{0}) {
    attack.schedule.duration.reset();
  }
  if (o.concurrency) {
    attack.schedule.rate.hits = 0;
    attack.workers_max = *o.concurrency;
  }
  if (attack.schedule.rate.hits == 0 && attack.workers_max == kUnlimited) {
    return fail("-rate=0 requires -max-workers to be set, or use -concurrency");
  }
  if (attack.requests && attack.schedule.rate.hits != 0) {
    return fail("-requests is of a closed loop: it needs -concurrency; with -rate use -duration");
  }
  return {};
}

}  // namespace

int attack_main(int argc, char** argv) {
  CLI::App app("Load at an exact rate, measured honestly; reads targets from stdin",
               "forebay attack");
  app.footer(
      "Examples:\n"
      "  echo \"GET http://localhost:8000/\" | forebay attack -rate=200 -duration=5s | forebay "
      "report\n"
      "  forebay attack -targets=targets.txt -rate=50/1s -duration=1m -output=results.bin\n"
      "  echo \"GET http://localhost:8000/\" | forebay attack -concurrency=64 -requests=100000\n"
      "Options are written -name, -name=value or --name value, as vegeta's.");
  AttackArguments arguments;
  add_targets(app, arguments);
  add_schedule(app, arguments);
  add_client(app, arguments);
  add_result(app, arguments);
  if (const std::optional<int> status = parse_go_style(app, argc, argv)) {
    return *status;
  }
  Result<load::Run> run{};
  if (const Result<void> checked = check(arguments); !checked) {
    run = std::unexpected(checked.error());
  } else {
    run = load::attack(arguments.attack, {});
  }
  if (!run) {
    std::fprintf(stderr, "forebay attack: %s\n", run.error().message.c_str());
    return 1;
  }
  return 0;
}

}  // namespace forebay::cli
