#include "doctor/explain.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "doctor/report.h"
#include "doctor/surroundings.h"

namespace forebay::doctor {
namespace {

struct Topic {
  std::string_view name;
  std::string_view text;
  std::string (*values)(const Host& host);
};

constexpr std::string_view kBacklog = R"(
A server calls listen(n), and the kernel keeps connections for it until it accepts them: n + 1
of them, for TCP and unix sockets alike. The n is cut to net.core.somaxconn without a word.
  full, unix socket   connect() fails at once with EAGAIN (11); nginx answers 502
  full, TCP           the SYN is dropped; the client tries again after 1, 3, 7 s
The queue has no time limit and no order but first come, first served. Who has left keeps the
place, and the request is run for nobody. On unix sockets not even an overflow is counted.
A longer backlog takes a longer burst, but under lasting overload it only makes everybody wait
longer; a shorter one lets the proxy try another server sooner.
)";
constexpr std::string_view kSomaxconn = R"(
net.core.somaxconn is the most that listen() grants, in the network namespace of the socket, at
the time of the call: 4096 since Linux 5.4, before that 128. A new namespace (container) starts
with the kernel's default, not with the host's value. After a change, restart the servers.
  sysctl -w net.core.somaxconn=4096             now
  /etc/sysctl.d/90-somaxconn.conf               at every boot
  docker run --sysctl net.core.somaxconn=4096   in a container
Servers ask for: nginx 511, gunicorn 2048, uWSGI 100, Forebay 2048, unless told otherwise.
)";
constexpr std::string_view k502 = R"(
502 Bad Gateway: the proxy got no answer that makes sense. nginx's error log says why:
  (11: Resource temporarily unavailable)        the unix socket's queue is full: `explain backlog`
  (111: Connection refused), (2: No such file)  nobody listens there
  (13: Permission denied)                       the rights of the socket's file or directories
  prematurely closed, (104: Connection reset)   the worker died, was killed by its timeout or for
                                                its memory, or stopped with connections queued
From Forebay, 502 means only that a worker died or that its answer made no sense; a request that
could not be served in time gets 503, and is safe to send again.
)";
constexpr std::string_view k504 = R"(
504 Gateway Timeout: the proxy waited for proxy_read_timeout (nginx: 60 s unless told otherwise)
and gave up. The time in the server's queue counts: with c requests at once of S seconds each,
the last of n that wait is answered after about (n / c + 1) x S. The request stays in the queue
and is run all the same, which makes the next ones late too. Remedies, best first:
  shorter requests; more workers
  a backlog of at most c x (timeout / S - 1)
  a queue with a time limit, which drops who has left: `forebay serve`
  a longer timeout, only if users really wait so long
)";
constexpr std::string_view kWorkers = R"(
A sync worker of gunicorn runs one request at a time, a threaded one as many as --threads; all
others wait in the kernel's queue. c workers with requests of S seconds serve c / S per second and
no more: 8 workers, 2 s each: 4 per second. At 70 % of that the wait is short, at 95 % it is
many times S. More workers help as long as memory, CPUs and the database carry them; beyond that
each request only becomes slower. A worker that waits for others (database, HTTP) costs memory but
little CPU: there threads are cheap.
)";

std::string queue_values(const Host& host) {
  std::string text;
  for_each_socket(host, [&text](const Surroundings& at) {
    const std::string asked =
        at.asked == nullptr ? ""
                            : format(", asked for {} ({})", at.asked->backlog, at.asked->where);
    text += format("  {}: {} wait, {} fit{}\n", printable(at.name()), at.socket.waiting,
                   at.socket.capacity(), asked);
  });
  return text;
}

std::string somaxconn_values(const Host& host) {
  std::string text;
  for (const NetworkNamespace& network : host.networks) {
    if (network.somaxconn) {
      text += format(
          "  {}: net.core.somaxconn = {}\n",
          network.pid == 0 ? "this network namespace" : format("that of process {}", network.pid),
          *network.somaxconn);
    }
  }
  return text;
}

std::string route_values(const Host& host) {
  std::string text;
  for (const Server& server : host.servers) {
    for (const Route& route : server.routes) {
      text += format("  nginx to {}: read timeout {:g} s, connect timeout {:g} s ({})\n",
                     printable(route.upstream), route.read_timeout_seconds,
                     route.connect_timeout_seconds, route.where);
    }
    if (server.timeout_seconds) {
      text += format("  {} (pid {}): timeout {:g} s\n", word(server.kind), server.pid,
                     *server.timeout_seconds);
    }
  }
  return text;
}

std::string worker_values(const Host& host) {
  std::string text;
  for (const Server& server : host.servers) {
    if (server.kind == Server::Kind::kForebay && server.status) {
      text += format("  Forebay (pid {}): {} servers, {} busy, {} requests wait\n", server.pid,
                     server.status->servers, server.status->busy, server.status->waiting);
    } else if (server.threads > 0) {
      const auto busy = std::ranges::count_if(server.workers, [&server](const Worker& worker) {
        return worker.connections.value_or(0) >= server.threads;
      });
      text += format("  {} (pid {}): {} workers of {} at once, {} busy\n", word(server.kind),
                     server.pid, server.workers.size(), server.threads, busy);
    }
  }
  return text;
}

constexpr std::array kTopics{Topic{"backlog", kBacklog, queue_values},
                             Topic{"somaxconn", kSomaxconn, somaxconn_values},
                             Topic{"502", k502, route_values}, Topic{"504", k504, route_values},
                             Topic{"workers", kWorkers, worker_values}};

}  // namespace

std::vector<std::string> topics() {
  std::vector<std::string> names;
  for (const Topic& topic : kTopics) {
    names.emplace_back(topic.name);
  }
  return names;
}

Result<std::string> explain(std::string_view name, const Host& host) {
  const auto* topic = std::ranges::find(kTopics, name, &Topic::name);
  if (topic == kTopics.end()) {
    std::string known;
    for (const Topic& each : kTopics) {
      known.append(known.empty() ? "" : ", ").append(each.name);
    }
    return fail(format("'{}' is no topic; there is: {}", name, known));
  }
  const std::string values = topic->values(host);
  std::string text(topic->text.substr(1));  // it begins with a line's end
  text += "\nOn this machine:\n";
  if (values.empty()) {
    return text + "  nothing of it was seen\n";
  }
  for (std::string_view left = values; !left.empty();) {
    const std::size_t end = left.find('\n');
    text += printable(left.substr(0, end)) + "\n";
    left.remove_prefix(end + 1);
  }
  return text;
}

}  // namespace forebay::doctor
