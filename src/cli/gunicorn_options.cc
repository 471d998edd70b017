#include "cli/gunicorn_options.h"

#include <array>

#include "cli/add_option.h"

namespace forebay::cli {
namespace {

struct Refused {
  const char* flags;
  const char* instead;
};

constexpr const char* kTls = "TLS is for a proxy or load balancer in front";
constexpr const char* kLogForm =
    "see --error-logfile, --log-level and --access-logformat; the application configures its own "
    "logging";
constexpr const char* kStatsd = "let Prometheus scrape /metrics of --admin";
constexpr const char* kSyslog = "write to stdout and stderr, which systemd and containers collect";

constexpr std::array kRefused{
    Refused{"-c,--config", "config files and hooks are not read: give the settings as options"},
    Refused{"--reload", "send HUP to load the application anew"},
    Refused{"-D,--daemon", "leave that to systemd or another supervisor; --pid writes a pid file"},
    Refused{"-n,--name", "processes keep their names; leave it out"},
    Refused{"--worker-connections", "--threads says how many requests a worker runs at once"},
    Refused{"--worker-tmp-dir", "workers have no heartbeat file; leave it out"},
    Refused{"--capture-output", "what the application prints goes to our stdout and stderr"},
    Refused{"--enable-stdio-inheritance",
            "the application has our stdout and stderr; leave it out"},
    Refused{"--no-sendfile", "leave it out"},
    Refused{"--initgroups", "--user takes the user's groups by itself; leave it out"},
    Refused{"--certfile", kTls},
    Refused{"--keyfile", kTls},
    Refused{"--ca-certs", kTls},
    Refused{"--log-config", kLogForm},
    Refused{"--log-config-json", kLogForm},
    Refused{"--logger-class", kLogForm},
    Refused{"--log-syslog", kSyslog},
    Refused{"--log-syslog-to", kSyslog},
    Refused{"--statsd-host", kStatsd},
    Refused{"--statsd-prefix", kStatsd},
};

}  // namespace

void refuse_gunicorn_options(CLI::App& command) {
  for (const Refused& refused : kRefused) {
    add_refused(command, refused.flags, refused.instead);
  }
}

}  // namespace forebay::cli
