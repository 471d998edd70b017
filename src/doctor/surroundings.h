#pragma once

#include <functional>
#include <string>

#include "doctor/host.h"

/// Who stands before and behind a listening socket.
namespace forebay::doctor {

struct Surroundings {
  const Host& host;
  const NetworkNamespace& network;
  const ListeningSocket& socket;
  const Server* server = nullptr;       // that listens, if it was recognised
  const Route* route = nullptr;         // by which nginx passes requests to it
  const AskedBacklog* asked = nullptr;  // what listen() was asked for, if that is known

  /// Workers that have as many connections as they run at once; none: not known.
  [[nodiscard]] std::optional<std::size_t> busy_workers() const;
  /// Requests that run at once, 0 if not known.
  [[nodiscard]] std::size_t servers() const;
  /// The kernel gave less than it was asked for.
  [[nodiscard]] bool cut() const { return asked != nullptr && asked->backlog > socket.limit; }
  /// "gunicorn", or the process's name, or "its process".
  [[nodiscard]] std::string who() const;
  /// "unix:/run/x.sock (gunicorn, pid 812)".
  [[nodiscard]] std::string name() const;
};

void for_each_socket(const Host& host, const std::function<void(const Surroundings&)>& take);

/// Whether what is sent to the route's upstream arrives at the socket. `nginx`: the namespace of
/// the one who sends.
bool leads_to(const Route& route, std::uint64_t nginx, const NetworkNamespace& network,
              const ListeningSocket& socket);

std::string_view word(Server::Kind kind);

}  // namespace forebay::doctor
