#include "doctor/scan.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <map>
#include <thread>
#include <unordered_map>

#include "base/fd.h"
#include "base/text.h"
#include "doctor/proc.h"
#include "doctor/servers.h"

namespace forebay::doctor {
namespace {

/// Machines with more of them have the rest left out, and said so.
constexpr std::size_t kNamespacesMax = 256;

/// What the calling thread's network namespace says of itself.
void read_network(NetworkNamespace& network, std::vector<std::string>& unseen) {
  network.entered = true;
  const auto netstat = read_file("/proc/thread-self/net/netstat");
  network.counters = netstat ? parse_listen_counters(*netstat) : std::nullopt;
  network.somaxconn = read_number("/proc/sys/net/core/somaxconn");
  auto list = read_listening_sockets();
  network.sockets = std::move(list.sockets);
  std::ranges::move(list.unseen, std::back_inserter(unseen));
}

/// Runs `work` within the network namespace. Another one is entered by a thread, which ends there.
/// False: we may not enter.
bool within(const NetworkNamespace& network, const std::function<void()>& work) {
  if (network.pid == 0) {
    work();
    return true;
  }
  bool entered = false;
  std::thread([&] {
    const Fd door(::open(format("/proc/{}/ns/net", network.pid).c_str(), O_RDONLY | O_CLOEXEC));
    entered = door && ::setns(door.get(), CLONE_NEWNET) == 0;
    if (entered) {
      work();
    }
  }).join();
  return entered;
}

void read_foreign_network(NetworkNamespace& network, std::vector<std::string>& unseen) {
  if (within(network, [&] { read_network(network, unseen); })) {
    return;
  }
  unseen.push_back(format("the network namespace of process {} cannot be entered{}", network.pid,
                          ::geteuid() == 0 ? "" : ": run as root to see it"));
  const auto netstat = read_file(format("/proc/{}/net/netstat", network.pid));
  network.counters = netstat ? parse_listen_counters(*netstat) : std::nullopt;
}

void read_networks(const std::vector<ProcessEntry>& processes, Networks which, Host& host) {
  std::map<std::uint64_t, int> others;
  NetworkNamespace own;
  for (const ProcessEntry& process : processes) {
    if (process.pid == ::getpid()) {
      own.id = process.network;
    } else if (process.network != 0) {
      others.emplace(process.network, process.pid);
    } else if (::geteuid() != 0) {
      host.all_networks = false;  // whose is not ours to know
    }
  }
  others.erase(own.id);
  read_network(own, host.unseen);
  host.networks.push_back(std::move(own));
  if (which == Networks::kOwn) {
    host.all_networks = host.all_networks && others.empty();
    return;
  }
  for (const auto& [id, pid] : others) {
    if (host.networks.size() == kNamespacesMax) {
      host.all_networks = false;
      host.unseen.push_back(
          format("{} more network namespaces", others.size() + 1 - kNamespacesMax));
      return;
    }
    NetworkNamespace network;
    network.id = id;
    network.pid = pid;
    read_foreign_network(network, host.unseen);
    host.networks.push_back(std::move(network));
  }
}

/// Who has which listening socket: one pass over all descriptors that we may see.
void find_owners(const std::vector<ProcessEntry>& processes, Host& host) {
  std::unordered_map<std::uint32_t, ListeningSocket*> sockets;
  std::unordered_map<std::uint32_t, ListeningSocket*> clients;
  for (NetworkNamespace& network : host.networks) {
    for (ListeningSocket& socket : network.sockets) {
      sockets.emplace(socket.inode, &socket);
      for (const std::uint32_t client : socket.clients) {
        clients.emplace(client, &socket);
      }
    }
  }
  for (const ProcessEntry& entry : processes) {
    bool owner = false;
    for (const std::uint32_t inode : sockets_of(entry.pid).value_or(std::vector<std::uint32_t>())) {
      const auto socket = sockets.find(inode);
      if (socket == sockets.end()) {
        if (const auto client = clients.find(inode); client != clients.end()) {
          client->second->waiters.push_back(entry.pid);
        }
        continue;
      }
      owner = true;
      std::vector<int>& owners = socket->second->owners;
      if (owners.empty() || owners.back() != entry.pid) {
        owners.push_back(entry.pid);
      }
    }
    auto process = owner ? read_process(entry.pid) : std::nullopt;
    if (process) {
      process->network = entry.network;
      host.processes.push_back(std::move(*process));
    }
  }
}

void note_unowned(Host& host) {
  std::size_t unowned = 0;
  for (const NetworkNamespace& network : host.networks) {
    unowned += static_cast<std::size_t>(std::ranges::count_if(
        network.sockets, [](const ListeningSocket& socket) { return socket.owners.empty(); }));
  }
  if (unowned > 0) {
    host.unseen.push_back(format("the processes of {} listening socket{}{}", unowned,
                                 unowned == 1 ? "" : "s",
                                 ::geteuid() == 0 ? "" : ": run as root to see them"));
  }
}

/// Connections that workers have; their sockets are many, so only where somebody will ask.
void find_connections(Host& host) {
  for (const NetworkNamespace& network : host.networks) {
    const bool asked = std::ranges::any_of(host.servers, [&network](const Server& server) {
      return server.network == network.id && server.threads > 0 && !server.workers.empty();
    });
    if (asked && network.entered) {
      within(network, [&] { count_connections(host, network, read_accepted_sockets().sockets); });
    }
  }
}

}  // namespace

Host scan(Networks which) {
  Host host;
  const std::vector<ProcessEntry> processes = list_processes();
  read_networks(processes, which, host);
  find_owners(processes, host);
  note_unowned(host);
  recognise_servers(host);
  find_connections(host);
  return host;
}

}  // namespace forebay::doctor
