#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "doctor/host.h"

/// What proc(5) says. Processes end while one reads: a missing file is an empty answer.
namespace forebay::doctor {

/// At most this much of a file is read.
inline constexpr std::size_t kFileMax = std::size_t{1} << 20;

/// Errors: it cannot be opened or read.
Result<std::string> read_file(const std::string& path, std::size_t most = kFileMax);
/// A file with one number.
std::optional<std::uint64_t> read_number(const std::string& path);

/// The two lines "TcpExt: NAME ...", "TcpExt: VALUE ..." of /proc/net/netstat, by name. None: the
/// text has none.
std::optional<ListenCounters> parse_listen_counters(std::string_view netstat);
/// The text of /proc/PID/stat, whose name may hold anything. None: it is cut.
std::optional<Process> parse_stat(std::string_view stat);
/// "socket:[123]", "net:[4026531840]". None: another kind.
std::optional<std::uint64_t> parse_inode_link(std::string_view link, std::string_view kind);

struct ProcessEntry {
  int pid = 0;
  std::uint64_t network = 0;  // id of its namespace, 0: we may not see it
};

/// All processes of /proc.
std::vector<ProcessEntry> list_processes();
/// The inodes of all sockets that a process has. None: we may not look.
std::optional<std::vector<std::uint32_t>> sockets_of(int pid);
/// Name, parent and command line. None: it has ended.
std::optional<Process> read_process(int pid);

}  // namespace forebay::doctor
