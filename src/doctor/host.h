#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "doctor/sockets.h"

/// What was seen of a machine: plain data, so that a rule can be tried on a machine that never was.
namespace forebay::doctor {

/// TcpExt counters of /proc/net/netstat, since the namespace exists.
struct ListenCounters {
  std::uint64_t overflows = 0;   // ListenOverflows: the accept queue was full
  std::uint64_t drops = 0;       // ListenDrops: all drops at a listener, overflows among them
  std::uint64_t reqq_drops = 0;  // TCPReqQFullDrop: too many half-open connections
};

struct NetworkNamespace {
  std::uint64_t id = 0;  // inode of /proc/PID/ns/net
  int pid = 0;           // a process in it; 0: our own
  bool entered = false;  // otherwise `sockets` and `somaxconn` are not known
  std::optional<std::uint64_t> somaxconn;
  std::optional<ListenCounters> counters;
  std::optional<ListenCounters> before;  // under --watch: when it began
  std::vector<ListeningSocket> sockets;
};

struct Process {
  int pid = 0;
  int parent = 0;
  std::string name;                  // comm
  std::vector<std::string> command;  // cmdline
  std::uint64_t network = 0;         // id of its namespace, 0: not known
};

/// What a server asked listen() for.
struct AskedBacklog {
  std::string address;  // "": all of its sockets
  std::uint32_t backlog = 0;
  std::string where;  // "--backlog", "/etc/nginx/nginx.conf:12", "gunicorn's default"
};

/// Where nginx passes requests on.
struct Route {
  std::string upstream;  // an address as in ListeningSocket
  double connect_timeout_seconds = 60;
  double read_timeout_seconds = 60;
  std::string where;     // "/etc/nginx/sites-enabled/shop:7"
  bool no_file = false;  // it is the path of a unix socket, and nothing is there
};

struct Worker {
  int pid = 0;
  /// Connections of its server's listening sockets that it has accepted and not closed. None: we
  /// may not look.
  std::optional<unsigned> connections;
};

/// Pages of Forebay's admin socket, as far as the rules need them.
struct ForebayStatus {
  std::uint64_t waiting = 0;
  std::uint64_t servers = 0;
  std::uint64_t busy = 0;
  double predicted_wait_seconds = 0;
  double max_wait_seconds = 0;
  double oldest_age_seconds = 0;
  std::uint64_t requests = 0;      // all that ended
  std::uint64_t refused = 0;       // with 503, never run
  std::uint64_t refused_full = 0;  // of these: --max-queue requests waited
};

/// A server that was recognised among the owners of listening sockets.
struct Server {
  enum class Kind : std::uint8_t { kNginx, kGunicorn, kUwsgi, kForebay };
  Kind kind = Kind::kNginx;
  int pid = 0;  // its master
  std::uint64_t network = 0;
  std::vector<Worker> workers;
  /// Requests that a worker runs at once; 0: as many as come (asynchronous workers), or not known.
  unsigned threads = 0;
  std::vector<AskedBacklog> backlogs;
  std::optional<double> timeout_seconds;  // gunicorn --timeout, uWSGI harakiri
  std::vector<Route> routes;              // nginx
  std::optional<ForebayStatus> status;
};

struct Host {
  std::vector<NetworkNamespace> networks;  // our own first
  bool all_networks = true;                // none was left out
  std::vector<Process> processes;          // owners of listening sockets, by number
  std::vector<Server> servers;
  std::vector<std::string> unseen;  // what could not be looked at, and what would help
};

}  // namespace forebay::doctor
