#include <algorithm>

#include "base/text.h"
#include "doctor/rules.h"
#include "doctor/surroundings.h"

/// The rules that look at more than one socket.
namespace forebay::doctor {
namespace {

bool arrives(const Host& host, const Server& nginx, const Route& route) {
  return std::ranges::any_of(host.networks, [&](const NetworkNamespace& network) {
    return std::ranges::any_of(network.sockets, [&](const ListeningSocket& socket) {
      return leads_to(route, nginx.network, network, socket);
    });
  });
}

/// Whether we would see who listens there: on this machine, in a namespace that we entered.
bool visible(const Host& host, const Server& nginx, const Route& route) {
  const auto entered = [](const NetworkNamespace& network) { return network.entered; };
  if (route.upstream.starts_with("unix:")) {
    return route.no_file || (host.all_networks && std::ranges::all_of(host.networks, entered));
  }
  const bool near = route.upstream.starts_with("127.") || route.upstream.starts_with("[::1]");
  return near && std::ranges::any_of(host.networks, [&](const NetworkNamespace& network) {
           return network.entered && network.id == nginx.network;
         });
}

Finding missing_upstream(const Server& nginx, const Route& route, bool another) {
  Finding finding;
  finding.severity = another ? Severity::kWarning : Severity::kCritical;
  finding.rule = "upstream-missing";
  finding.subject = route.upstream;
  finding.what = format("nginx passes requests to {}, and nobody listens there.", route.upstream);
  finding.evidence = {format("{} (nginx, pid {})", route.where, nginx.pid)};
  finding.users = another ? "nothing as long as the other servers of this upstream can do its work"
                          : "502 Bad Gateway for every request that goes there";
  finding.fix = {
      "start the server; if it runs, compare its --bind with this address",
      "a unix socket whose file was replaced or removed must be bound again: restart it"};
  finding.trade_off = "none";
  return finding;
}

/// The TCP listeners that have dropped something, as evidence.
void add_drops(const NetworkNamespace& network, std::vector<std::string>& evidence) {
  for (const ListeningSocket& socket : network.sockets) {
    if (socket.drops.value_or(0) > 0) {
      evidence.push_back(
          format("{} has dropped {} packets since it listens ({} wait, its limit is {})",
                 socket.address, *socket.drops, socket.waiting, socket.limit));
    }
  }
}

Finding overflow(const NetworkNamespace& network, std::uint64_t count, bool now) {
  Finding finding;
  finding.severity = now ? Severity::kCritical : Severity::kNote;
  finding.rule = now ? "overflows-growing" : "overflows";
  finding.subject = format("network {}", network.id);
  const std::string where =
      network.pid == 0 ? "" : format(" in the network namespace of process {}", network.pid);
  finding.what = format("{} {} dropped at full TCP queues{} since {}.", count,
                        count == 1 ? "connection was" : "connections were", where,
                        now ? "the watch began" : "it was booted");
  finding.evidence = {format("ListenOverflows {}, ListenDrops {}, TCPReqQFullDrop {}",
                             network.counters->overflows, network.counters->drops,
                             network.counters->reqq_drops)};
  add_drops(network, finding.evidence);
  finding.users = "delays of 1, 3, 7 s and more, then timeouts";
  finding.fix = {"`forebay doctor --watch` shows whether it goes on, and where",
                 "more workers behind that socket; a longer backlog if it is only a burst"};
  finding.trade_off = "a longer queue only hides the wait; a shorter one fails over sooner";
  return finding;
}

Finding shedding(const Server& forebay, const ForebayStatus& status) {
  const bool now = status.waiting > 0 && status.busy >= status.servers;
  Finding finding;
  finding.severity = now ? Severity::kWarning : Severity::kNote;
  finding.rule = "forebay-shedding";
  finding.subject = format("pid {}", forebay.pid);
  finding.what = format("Forebay (pid {}) has refused {} of {} requests since it started.",
                        forebay.pid, status.refused, status.requests);
  finding.evidence = {
      format("{} wait, the oldest for {:.3g} s; {} of {} servers are busy", status.waiting,
             status.oldest_age_seconds, status.busy, status.servers),
      format("who comes now would wait {:.3g} s, the limit is {:.3g} s",
             status.predicted_wait_seconds, status.max_wait_seconds),
      format("{} were refused because the queue was full (--max-queue)", status.refused_full)};
  finding.users = "503 with Retry-After, at once; their request was not run";
  finding.fix = {
      "more workers: kill -TTIN " + format("{}", forebay.pid) + " adds one; or shorter requests",
      format("a {} only if users really wait so long", 2 * status.refused_full > status.refused
                                                           ? "larger --max-queue"
                                                           : "longer --max-wait")};
  finding.trade_off = "who is refused early can go elsewhere; who waits in vain cannot";
  return finding;
}

}  // namespace

std::vector<Finding> find_missing_upstreams(const Host& host) {
  std::vector<Finding> findings;
  for (const Server& server : host.servers) {
    for (const Route& route : server.routes) {
      if (arrives(host, server, route) || !visible(host, server, route)) {
        continue;
      }
      const bool another = std::ranges::any_of(server.routes, [&](const Route& other) {
        return other.where == route.where && other.upstream != route.upstream &&
               (arrives(host, server, other) || !visible(host, server, other));
      });
      findings.push_back(missing_upstream(server, route, another));
    }
  }
  return findings;
}

std::vector<Finding> find_overflows(const Host& host) {
  std::vector<Finding> findings;
  for (const NetworkNamespace& network : host.networks) {
    if (!network.counters) {
      continue;
    }
    const std::uint64_t all = network.counters->overflows;
    const std::uint64_t before = network.before ? network.before->overflows : all;
    if (all > before) {
      findings.push_back(overflow(network, all - before, true));
    } else if (all > 0) {
      findings.push_back(overflow(network, all, false));
    }
  }
  return findings;
}

std::vector<Finding> find_shedding(const Host& host) {
  std::vector<Finding> findings;
  for (const Server& server : host.servers) {
    if (server.status && server.status->refused > 0) {
      findings.push_back(shedding(server, *server.status));
    }
  }
  return findings;
}

}  // namespace forebay::doctor
