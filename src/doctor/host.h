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

struct Host {
  std::vector<NetworkNamespace> networks;  // our own first
  std::vector<Process> processes;          // owners of listening sockets, by number
  std::vector<std::string> unseen;         // what could not be looked at, and what would help
  double uptime_seconds = 0;
};

}  // namespace forebay::doctor
