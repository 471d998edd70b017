#include "doctor/rules.h"

#include <algorithm>
#include <array>
#include <map>

#include "base/text.h"
#include "doctor/surroundings.h"

namespace forebay::doctor {
namespace {

constexpr std::uint64_t kNearlyFullPercent = 75;
constexpr std::uint64_t kHalfFullPercent = 50;

/// The kernel counts any packet at a listening socket that belongs to no connection as a drop of
/// it, also where no queue was ever full.
bool overflowed(const Surroundings& at) {
  return at.socket.drops.value_or(0) > 0 && at.network.counters &&
         at.network.counters->overflows > 0;
}

std::uint64_t percent(const ListeningSocket& socket) {
  return std::uint64_t{socket.waiting} * 100 / socket.capacity();
}

/// "8 of 8 workers are busy", if that is known.
void add_workers(const Surroundings& at, std::vector<std::string>& evidence) {
  if (const auto busy = at.busy_workers()) {
    evidence.push_back(
        format("{} of {} workers of {} are busy", *busy, at.server->workers.size(), at.who()));
  }
}

void add_gone(const Surroundings& at, std::vector<std::string>& evidence) {
  if (at.socket.gone.value_or(0) > 0) {
    evidence.push_back(
        format("{} of the {} that wait have left already", *at.socket.gone, at.socket.waiting));
  }
}

void add_route(const Surroundings& at, std::vector<std::string>& evidence) {
  if (at.route != nullptr) {
    evidence.push_back(format("nginx passes requests here ({})", at.route->where));
  }
}

/// Whose connections wait, as far as we may see.
void add_waiters(const Surroundings& at, std::vector<std::string>& evidence) {
  std::map<int, std::size_t> counts;
  for (const int pid : at.socket.waiters) {
    ++counts[pid];
  }
  for (const auto& [pid, count] : counts) {
    const auto process = std::ranges::find(at.host.processes, pid, &Process::pid);
    if (process != at.host.processes.end()) {
      evidence.push_back(
          format("{} of those that wait come from {} ({})", count, process->name, pid));
    }
  }
}

void add_cut(const Surroundings& at, std::vector<std::string>& evidence) {
  if (at.cut()) {
    evidence.push_back(format("listen() was asked for {} ({}), the kernel gave {}",
                              at.asked->backlog, at.asked->where, at.socket.limit));
  }
}

std::string sysctl(const Surroundings& at, std::uint64_t value) {
  const std::string change = format("sysctl -w net.core.somaxconn={}", value);
  return at.network.pid == 0 ? change
                             : format("nsenter -t {} -n {}   (containers: docker run --sysctl)",
                                      at.network.pid, change);
}

/// What makes the queue as long as it was meant to be.
void add_longer_queue(const Surroundings& at, std::vector<std::string>& fix) {
  if (!at.cut()) {
    return;
  }
  const bool cut = at.network.somaxconn.value_or(0) < at.asked->backlog;
  if (cut) {
    fix.push_back(sysctl(at, at.asked->backlog));
  }
  fix.push_back(
      format("{}restart {}: listen() reads net.core.somaxconn once", cut ? "then " : "", at.who()));
}

void add_more_workers(const Surroundings& at, std::vector<std::string>& fix) {
  const std::size_t workers = at.server == nullptr ? 0 : at.server->workers.size();
  if (workers > 0 && at.server->kind == Server::Kind::kGunicorn) {
    fix.push_back(
        format("gunicorn --workers {} (now {}), or --threads, as memory and the database "
               "permit; or shorter requests",
               workers * 2, workers));
  } else {
    fix.push_back(format("{} accepts too slowly: more workers, or shorter requests", at.who()));
  }
}

/// Both sides of a longer queue.
std::string longer_or_shorter(const Surroundings& at) {
  const std::size_t servers = at.servers();
  const std::string last =
      servers == 0 ? ""
                   : format(" (the last of {} waits for {} requests of work, one after the other)",
                            at.socket.capacity(), (at.socket.capacity() + servers - 1) / servers);
  return format(
      "a longer queue only hides the wait{}; a shorter one fails over sooner, where the proxy has "
      "somewhere to go",
      last);
}

std::string refused_how(const Surroundings& at) {
  if (at.socket.family != Family::kUnix) {
    return "delays of 1, 3, 7 s and more, then timeouts: the kernel drops their SYN";
  }
  return at.route != nullptr
             ? "502 Bad Gateway from nginx, at once (its log: connect() to unix:... failed (11: "
               "Resource temporarily unavailable))"
             : "refused at once (EAGAIN); behind a proxy: 502";
}

Finding full_queue(const Surroundings& at) {
  const ListeningSocket& socket = at.socket;
  Finding finding;
  finding.severity = socket.full() ? Severity::kCritical : Severity::kWarning;
  finding.rule = socket.full() ? "queue-full" : "queue-nearly-full";
  finding.what = socket.full() ? format("The queue of {} is full: {} wait, its limit is {}.",
                                        at.name(), socket.waiting, socket.limit)
                               : format("The queue of {} is {} % full: {} wait, its limit is {}.",
                                        at.name(), percent(socket), socket.waiting, socket.limit);
  add_workers(at, finding.evidence);
  add_gone(at, finding.evidence);
  add_waiters(at, finding.evidence);
  add_route(at, finding.evidence);
  add_cut(at, finding.evidence);
  finding.users = refused_how(at);
  if (!socket.full()) {
    finding.users = "slow answers now; when it is full: " + finding.users;
  }
  add_more_workers(at, finding.fix);
  add_longer_queue(at, finding.fix);
  finding.trade_off = longer_or_shorter(at);
  return finding;
}

Finding busy_workers(const Surroundings& at) {
  Finding finding;
  finding.severity = Severity::kWarning;
  finding.rule = "workers-busy";
  finding.what = format("All {} workers of {} are busy, and {} requests wait at {}.",
                        at.server->workers.size(), at.who(), at.socket.waiting, at.socket.address);
  add_gone(at, finding.evidence);
  add_route(at, finding.evidence);
  finding.users = "slow answers";
  if (at.route != nullptr) {
    finding.users += format("; 504 after {:g} s", at.route->read_timeout_seconds);
  }
  add_more_workers(at, finding.fix);
  finding.trade_off =
      "more workers than CPUs and database connections can carry make every request slower";
  return finding;
}

Finding gone_clients(const Surroundings& at) {
  Finding finding;
  finding.severity = Severity::kWarning;
  finding.rule = "gone-clients";
  finding.what = format(
      "{} of the {} that wait at {} have left already, and their requests will "
      "still be run.",
      *at.socket.gone, at.socket.waiting, at.name());
  add_workers(at, finding.evidence);
  finding.users = "whoever comes now waits behind work that nobody wants";
  finding.fix = {format("a shorter queue bounds that work: {}",
                        at.server != nullptr && at.server->kind == Server::Kind::kGunicorn
                            ? "gunicorn --backlog N"
                            : "a smaller backlog for listen()"),
                 "a queue that drops who has left: `forebay serve`"};
  finding.trade_off = "a shorter queue refuses more of a short burst";
  return finding;
}

Finding cut_backlog(const Surroundings& at) {
  Finding finding;
  finding.severity = Severity::kWarning;
  finding.rule = "backlog-cut";
  finding.what = format("{} asked for a queue of {} at {}, and the kernel cut it to {}.", at.who(),
                        at.asked->backlog, at.socket.address, at.socket.limit);
  finding.evidence.push_back(format("who asked: {}", at.asked->where));
  if (at.network.somaxconn) {
    finding.evidence.push_back(format("net.core.somaxconn is {} now", *at.network.somaxconn));
  }
  finding.users = format("when more than {} wait: {}", at.socket.capacity(), refused_how(at));
  add_longer_queue(at, finding.fix);
  finding.fix.emplace_back("or ask for what you want to have, so that it is no surprise");
  finding.trade_off = longer_or_shorter(at);
  return finding;
}

Finding short_nginx_queue(const Surroundings& at) {
  Finding finding;
  const bool now = percent(at.socket) >= kHalfFullPercent;
  finding.severity = now ? Severity::kWarning : Severity::kNote;
  finding.rule = "nginx-backlog";
  finding.what = format("nginx's own queue at {} holds {}, and that {} not enough.",
                        at.socket.address, at.socket.capacity(), now ? "is" : "may have been");
  finding.evidence = {
      overflowed(at)
          ? format("{} wait in it, {} packets were dropped at it since it listens, and queues of "
                   "this network have overflowed",
                   at.socket.waiting, at.socket.drops.value_or(0))
          : format("{} wait in it", at.socket.waiting)};
  finding.users = "delays of 1, 3, 7 s and more before anything happens";
  const std::uint64_t enough =
      std::max<std::uint64_t>(at.network.somaxconn.value_or(0), at.socket.limit * 2ULL);
  if (at.network.somaxconn.value_or(0) < enough) {
    finding.fix.push_back(sysctl(at, enough));
  }
  finding.fix.push_back(format("listen ... backlog={}; in nginx's configuration{}, then restart it",
                               enough,
                               at.asked != nullptr ? " (now " + at.asked->where + ")" : ""));
  finding.trade_off =
      "none to speak of if nginx accepts at once; if its workers are busy, more of them";
  return finding;
}

/// A mean service time beyond which the last one that waits gets 504.
Finding slow_queue(const Surroundings& at) {
  const double limit = at.route->read_timeout_seconds * static_cast<double>(at.servers()) /
                       static_cast<double>(at.socket.waiting);
  Finding finding;
  const bool happens = at.socket.gone.value_or(0) > 0;
  finding.severity = happens ? Severity::kWarning : Severity::kNote;
  finding.rule = "proxy-timeout";
  finding.what = format(
      "nginx gives up after {:g} s: who is last at {} is too late if requests "
      "take more than {:.3g} s each.",
      at.route->read_timeout_seconds, at.socket.address, limit);
  finding.evidence = {format("{} wait for {} that run at once", at.socket.waiting, at.servers()),
                      format("the timeout is that of {}", at.route->where)};
  add_gone(at, finding.evidence);
  finding.users = "504 Gateway Timeout, while workers go on with requests of those who got it";
  finding.fix = {"a shorter queue (the backlog), so that nobody waits in vain",
                 "or a longer proxy_read_timeout, if users really wait so long"};
  finding.trade_off = longer_or_shorter(at);
  return finding;
}

Finding short_timeout(const Surroundings& at) {
  Finding finding;
  finding.severity = Severity::kNote;
  finding.rule = "timeouts-crossed";
  finding.what = format("nginx gives up after {:g} s, but {} lets a request run for {:g} s.",
                        at.route->read_timeout_seconds, at.who(), *at.server->timeout_seconds);
  finding.evidence = {format("the timeout is that of {}", at.route->where)};
  finding.users = "504, and their request goes on and keeps a worker from others";
  finding.fix = {format("gunicorn --timeout {:g}, or a longer proxy_read_timeout",
                        at.route->read_timeout_seconds)};
  finding.trade_off = "a request that is cut off may have done half of its work";
  return finding;
}

template <typename Condition, typename Make>
std::vector<Finding> find(const Host& host, Condition condition, Make make) {
  std::vector<Finding> findings;
  for_each_socket(host, [&](const Surroundings& at) {
    if (condition(at)) {
      findings.push_back(make(at));
      findings.back().subject = at.socket.address;
    }
  });
  return findings;
}

bool all_busy(const Surroundings& at) {
  const auto busy = at.busy_workers();
  return busy && *busy == at.server->workers.size();
}

}  // namespace

std::string_view word(Severity severity) {
  constexpr std::array<std::string_view, 3> kWords{"note", "warning", "critical"};
  return kWords[static_cast<std::size_t>(severity)];
}

std::vector<Finding> find_full_queues(const Host& host) {
  return find(
      host,
      [](const Surroundings& at) {
        return at.socket.full() ||
               (at.socket.waiting > 1 && percent(at.socket) >= kNearlyFullPercent);
      },
      full_queue);
}

std::vector<Finding> find_busy_workers(const Host& host) {
  return find(
      host,
      [](const Surroundings& at) {
        return at.socket.waiting >= std::max<std::size_t>(at.servers(), 1) && all_busy(at);
      },
      busy_workers);
}

std::vector<Finding> find_gone_clients(const Host& host) {
  return find(
      host, [](const Surroundings& at) { return at.socket.gone.value_or(0) > 0; }, gone_clients);
}

std::vector<Finding> find_cut_backlogs(const Host& host) {
  return find(host, [](const Surroundings& at) { return at.cut(); }, cut_backlog);
}

std::vector<Finding> find_short_nginx_queues(const Host& host) {
  return find(
      host,
      [](const Surroundings& at) {
        return at.server != nullptr && at.server->kind == Server::Kind::kNginx && !at.cut() &&
               (overflowed(at) || percent(at.socket) >= kHalfFullPercent);
      },
      short_nginx_queue);
}

std::vector<Finding> find_short_timeouts(const Host& host) {
  std::vector<Finding> findings = find(
      host,
      [](const Surroundings& at) {
        return at.route != nullptr && at.servers() > 0 && at.socket.waiting > at.servers();
      },
      slow_queue);
  std::ranges::move(find(
                        host,
                        [](const Surroundings& at) {
                          return at.route != nullptr && at.server != nullptr &&
                                 at.server->kind == Server::Kind::kGunicorn &&
                                 at.server->threads == 1 &&
                                 at.server->timeout_seconds > at.route->read_timeout_seconds;
                        },
                        short_timeout),
                    std::back_inserter(findings));
  return findings;
}

std::vector<Finding> diagnose(const Host& host) {
  constexpr std::array kRules{find_missing_upstreams, find_full_queues,  find_overflows,
                              find_busy_workers,      find_gone_clients, find_short_timeouts,
                              find_cut_backlogs,      find_shedding,     find_short_nginx_queues};
  std::vector<Finding> found;
  for (const auto rule : kRules) {
    std::ranges::move(rule(host), std::back_inserter(found));
  }
  std::vector<Finding> ordered;
  for (const Severity severity : {Severity::kCritical, Severity::kWarning, Severity::kNote}) {
    std::ranges::copy_if(found, std::back_inserter(ordered), [severity](const Finding& finding) {
      return finding.severity == severity;
    });
  }
  return ordered;
}

}  // namespace forebay::doctor
