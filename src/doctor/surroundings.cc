#include "doctor/surroundings.h"

#include <algorithm>
#include <string_view>

#include "base/text.h"

namespace forebay::doctor {
namespace {

bool owns(const ListeningSocket& socket, int pid) {
  return std::ranges::find(socket.owners, pid) != socket.owners.end();
}

/// The server that listens there. Of one that has workers they hold it too; a socket of the master
/// alone is for its administrator.
const Server* server_of(const Host& host, const ListeningSocket& socket) {
  const auto serves = [&socket](const Server& server) {
    return owns(socket, server.pid) &&
           (server.workers.empty() || server.kind == Server::Kind::kNginx ||
            std::ranges::any_of(server.workers, [&socket](const Worker& worker) {
              return owns(socket, worker.pid);
            }));
  };
  const auto found = std::ranges::find_if(host.servers, serves);
  return found == host.servers.end() ? nullptr : &*found;
}

const Route* route_to(const Host& host, const NetworkNamespace& network,
                      const ListeningSocket& socket) {
  for (const Server& server : host.servers) {
    const auto found = std::ranges::find_if(server.routes, [&](const Route& route) {
      return leads_to(route, server.network, network, socket);
    });
    if (found != server.routes.end()) {
      return &*found;
    }
  }
  return nullptr;
}

const AskedBacklog* asked_by(const Server* server, const ListeningSocket& socket) {
  if (server == nullptr) {
    return nullptr;
  }
  const auto found = std::ranges::find_if(server->backlogs, [&socket](const AskedBacklog& asked) {
    return asked.address.empty() || asked.address == socket.address;
  });
  return found == server->backlogs.end() ? nullptr : &*found;
}

}  // namespace

std::string_view word(Server::Kind kind) {
  switch (kind) {
    case Server::Kind::kNginx:
      return "nginx";
    case Server::Kind::kGunicorn:
      return "gunicorn";
    case Server::Kind::kUwsgi:
      return "uWSGI";
    case Server::Kind::kForebay:
      return "Forebay";
  }
  return "";
}

bool leads_to(const Route& route, std::uint64_t nginx, const NetworkNamespace& network,
              const ListeningSocket& socket) {
  if (socket.family == Family::kUnix) {
    return route.upstream == socket.address;
  }
  if (nginx != 0 && network.id != 0 && nginx != network.id) {
    return false;
  }
  const std::string port = format(":{}", socket.port);
  if (!route.upstream.ends_with(port) || route.upstream.starts_with("unix:")) {
    return false;
  }
  const bool wild = socket.address == "0.0.0.0" + port || socket.address == "[::]" + port;
  const bool near = route.upstream.starts_with("127.") || route.upstream.starts_with("[::1]") ||
                    route.upstream.starts_with("0.0.0.0:");
  return route.upstream == socket.address || (wild && near);
}

std::optional<std::size_t> Surroundings::busy_workers() const {
  if (server == nullptr || server->threads == 0 || server->workers.empty()) {
    return std::nullopt;
  }
  std::size_t busy = 0;
  for (const Worker& worker : server->workers) {
    if (!worker.connections) {
      return std::nullopt;
    }
    busy += *worker.connections >= server->threads ? 1 : 0;
  }
  return busy;
}

std::size_t Surroundings::servers() const {
  return server == nullptr ? 0 : server->workers.size() * server->threads;
}

std::string Surroundings::who() const {
  if (server != nullptr) {
    return std::string(word(server->kind));
  }
  const auto process = std::ranges::find_if(
      host.processes, [this](const Process& each) { return owns(socket, each.pid); });
  return process == host.processes.end() ? "its process" : process->name;
}

std::string Surroundings::name() const {
  if (socket.owners.empty()) {
    return socket.address;
  }
  const int pid = server != nullptr ? server->pid : socket.owners.front();
  return format("{} ({}, pid {})", socket.address, who(), pid);
}

void for_each_socket(const Host& host, const std::function<void(const Surroundings&)>& take) {
  for (const NetworkNamespace& network : host.networks) {
    for (const ListeningSocket& socket : network.sockets) {
      const Server* server = server_of(host, socket);
      take({host, network, socket, server, route_to(host, network, socket),
            asked_by(server, socket)});
    }
  }
}

}  // namespace forebay::doctor
