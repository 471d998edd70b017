#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

#include <CLI/CLI.hpp>

#include "base/clock.h"
#include "base/text.h"
#include "cli/add_option.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "doctor/explain.h"
#include "doctor/json_report.h"
#include "doctor/probe.h"
#include "doctor/report.h"
#include "doctor/scan.h"
#include "doctor/watch.h"
#include "load/url.h"

namespace forebay::cli {
namespace {

struct DoctorOptions {
  bool all = false;
  bool json = false;
  bool exit_code = false;
  bool own_network = false;
  bool watch = false;
  Duration watch_for{0};  // 0: until a signal
  std::string topic;
  std::string url;
  bool yes = false;  // the URL may be another machine's
};

constexpr const char* kPurpose =
    "Finds where requests wait and are lost on this machine: reads the queues of all listening\n"
    "sockets in the kernel, knows nginx, gunicorn, uWSGI and Forebay, and says what is wrong,\n"
    "what users see of it, and what to do. It changes nothing.";
constexpr const char* kExitCodes =
    "Exit code: 0; with --exit-code 1 if there is a warning, 2 if anything is critical. Notes do "
    "not count.\nExit code 2 also if the arguments make no sense.";
constexpr std::chrono::seconds kStep{1};

void print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

doctor::Colors colors() {
  const bool wanted = ::isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
  return wanted ? doctor::Colors::terminal() : doctor::Colors::none();
}

doctor::Host scan(const DoctorOptions& options) {
  return doctor::scan(options.own_network ? doctor::Networks::kOwn : doctor::Networks::kAll);
}

/// Findings come with the most harmful first.
int exit_code(const std::vector<doctor::Finding>& findings, const DoctorOptions& options) {
  return options.exit_code && !findings.empty() ? static_cast<int>(findings.front().severity) : 0;
}

int examine(const DoctorOptions& options) {
  const doctor::Host host = scan(options);
  const std::vector<doctor::Finding> findings = doctor::diagnose(host);
  if (options.json) {
    print(dump(doctor::to_json(host, findings), 2) + "\n");
    return exit_code(findings, options);
  }
  const std::string unseen = doctor::unseen_text(host);
  print(format("{}\n{}{}{}", doctor::socket_table(host, options.all),
               doctor::findings_text(findings, colors()), unseen.empty() ? "" : "\n", unseen));
  return exit_code(findings, options);
}

std::string local_time(const char* pattern) {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::localtime_r(&now, &parts);
  std::array<char, 64> text{};
  return {text.data(), std::strftime(text.data(), text.size(), pattern, &parts)};
}

/// INT and TERM end a watch; until then they are blocked, and wait() gets them.
class EndSignals {
 public:
  EndSignals() {
    ::sigemptyset(&set_);
    ::sigaddset(&set_, SIGINT);
    ::sigaddset(&set_, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }
  /// True: one came before the time was over.
  [[nodiscard]] bool wait(Duration duration) const {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration);
    const timespec limit{seconds.count(), (duration - seconds).count()};
    return ::sigtimedwait(&set_, nullptr, &limit) > 0;
  }

 private:
  sigset_t set_{};
};

int watch(const DoctorOptions& options) {
  const EndSignals signals;
  const TimePoint start = Clock::now();
  doctor::Watch watch;
  if (!options.json) {
    print(doctor::Watch::header());
  }
  for (TimePoint next = start + kStep;; next += kStep) {
    doctor::Host host = scan(options);
    watch.see(host, local_time("%H:%M:%S"));
    if (options.json) {
      Json page = doctor::to_json(host, doctor::diagnose(host));
      page["time"] = local_time("%Y-%m-%dT%H:%M:%S%z");
      page["highest"] = doctor::to_json(watch.highest());
      print(dump(page) + "\n");
    } else {
      print(watch.line());
    }
    const bool over = options.watch_for > Duration{0} && next > start + options.watch_for;
    if (over || signals.wait(std::max(Duration{0}, Duration(next - Clock::now())))) {
      break;
    }
  }
  const std::vector<doctor::Finding> findings = watch.findings();
  if (!options.json) {
    print("\n" + doctor::findings_text(findings, colors()));
  }
  return exit_code(findings, options);
}

int give_up(const std::string& message) {
  std::fprintf(stderr, "forebay doctor: %s\n", message.c_str());
  return 2;
}

int explain(const DoctorOptions& options) {
  const auto text = doctor::explain(options.topic, scan(options));
  if (!text) {
    return give_up(text.error().message);
  }
  print(*text);
  return 0;
}

int probe(const DoctorOptions& options) {
  const auto url = load::parse_url(options.url);
  if (!url) {
    return give_up(format("'{}' {}", options.url, url.error().message));
  }
  if (url->tls) {
    return give_up("it speaks no TLS: give it the http:// address of the server behind");
  }
  const auto steps =
      doctor::probe({url->host, url->port, url->authority(), url->target}, options.yes);
  if (!steps) {
    return give_up(steps.error().message);
  }
  print(options.json ? dump(doctor::to_json(*steps), 2) + "\n" : doctor::probe_text(*steps));
  return options.exit_code && !doctor::healthy(*steps) ? 2 : 0;
}

void add_options(CLI::App& app, DoctorOptions& options) {
  app.add_flag("--all", options.all, "Show every listening socket, not only the fullest");
  app.add_flag("--json", options.json, "Say it as JSON, for programs; with --watch a line each");
  app.add_flag("--exit-code", options.exit_code, "Say by the exit code how bad it is");
  app.add_flag("--own-network", options.own_network,
               "Leave out other network namespaces, as those of containers");
  app.add_flag("--watch", options.watch,
               "Look every second until Ctrl-C: a line each, then all that was wrong");
  add_parsed(app, "--for", options.watch_for, parse_positive_duration, "End the watch by itself",
             "TIME", "until Ctrl-C");
  app.add_option("URL", options.url,
                 "Ask http://... twice 1, 2, 4 and 8 times at once, and say how it answers")
      ->excludes("--watch")
      ->excludes("--for");
  app.add_flag("--yes", options.yes, "The URL may be another machine's");
}

}  // namespace

int doctor_main(int argc, char** argv) {
  DoctorOptions options;
  CLI::App app(kPurpose, "forebay doctor");
  app.footer(kExitCodes);
  add_options(app, options);
  CLI::App* about = app.add_subcommand("explain", "What it is about, with this machine's values");
  about->add_option("TOPIC", options.topic, "backlog, somaxconn, 502, 504 or workers")->required();
  if (const auto code = parse(app, argc, argv)) {
    return *code;
  }
  if (about->parsed()) {
    return explain(options);
  }
  if (!options.url.empty()) {
    return probe(options);
  }
  return options.watch || options.watch_for > Duration{0} ? watch(options) : examine(options);
}

}  // namespace forebay::cli
