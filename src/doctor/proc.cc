#include "doctor/proc.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <future>
#include <iterator>
#include <memory>
#include <utility>

#include "base/fd.h"
#include "base/text.h"

namespace forebay::doctor {
namespace {

constexpr std::size_t kDescriptorsOfAThread = 1000;

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

std::string_view next_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \n"), text.size()));
  const std::string_view word = text.substr(0, text.find_first_of(" \n"));
  text.remove_prefix(word.size());
  return word;
}

template <typename T>
std::optional<T> to_number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value)
                                                                  : std::nullopt;
}

std::optional<std::uint64_t> read_inode_link(int directory, const char* path,
                                             std::string_view kind) {
  std::array<char, 64> link{};
  const ssize_t length = ::readlinkat(directory, path, link.data(), link.size());
  return length < 0 ? std::nullopt
                    : parse_inode_link({link.data(), static_cast<std::size_t>(length)}, kind);
}

std::string_view line_after(std::string_view text, std::string_view start, std::size_t& from) {
  const std::size_t at = text.find(start, from);
  if (at == std::string_view::npos) {
    return "";
  }
  from = std::min(text.find('\n', at), text.size());
  return text.substr(at + start.size(), from - at - start.size());
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t most) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) {
    return fail_errno("open " + path);
  }
  std::string text;
  while (text.size() < most) {
    std::array<char, 16384> block;  // NOLINT: not initialized
    const ssize_t bytes =
        ::read(file.get(), block.data(), std::min(block.size(), most - text.size()));
    if (bytes < 0) {
      return fail_errno("read " + path);
    }
    if (bytes == 0) {
      break;
    }
    text.append(block.data(), static_cast<std::size_t>(bytes));
  }
  return text;
}

std::optional<std::uint64_t> read_number(const std::string& path) {
  const auto text = read_file(path);
  std::string_view rest = text ? std::string_view(*text) : "";
  return to_number<std::uint64_t>(next_word(rest));
}

std::optional<ListenCounters> parse_listen_counters(std::string_view netstat) {
  std::size_t from = 0;
  std::string_view names = line_after(netstat, "TcpExt:", from);
  std::string_view values = line_after(netstat, "TcpExt:", from);
  if (values.empty()) {
    return std::nullopt;
  }
  ListenCounters counters;
  for (std::string_view name = next_word(names); !name.empty(); name = next_word(names)) {
    const std::uint64_t value = to_number<std::uint64_t>(next_word(values)).value_or(0);
    if (name == "ListenOverflows") {
      counters.overflows = value;
    } else if (name == "ListenDrops") {
      counters.drops = value;
    } else if (name == "TCPReqQFullDrop") {
      counters.reqq_drops = value;
    }
  }
  return counters;
}

std::optional<Process> parse_stat(std::string_view stat) {
  const std::size_t open = stat.find('(');
  const std::size_t close = stat.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
    return std::nullopt;
  }
  std::string_view before = stat.substr(0, open);
  std::string_view after = stat.substr(close + 1);
  const auto pid = to_number<int>(next_word(before));
  next_word(after);  // the state
  const auto parent = to_number<int>(next_word(after));
  if (!pid || !parent) {
    return std::nullopt;
  }
  Process process;
  process.pid = *pid;
  process.parent = *parent;
  process.name = stat.substr(open + 1, close - open - 1);
  return process;
}

std::optional<std::uint64_t> parse_inode_link(std::string_view link, std::string_view kind) {
  if (!link.starts_with(kind) || !link.ends_with(']')) {
    return std::nullopt;
  }
  link.remove_prefix(kind.size());
  return link.starts_with(":[") ? to_number<std::uint64_t>(link.substr(2, link.size() - 3))
                                : std::nullopt;
}

std::vector<ProcessEntry> list_processes() {
  std::vector<ProcessEntry> found;
  const Directory proc(::opendir("/proc"));
  if (!proc) {
    return found;
  }
  while (const dirent* entry = ::readdir(proc.get())) {
    if (const auto pid = to_number<int>(entry->d_name)) {
      const std::string link = format("{}/ns/net", *pid);
      const auto network = read_inode_link(::dirfd(proc.get()), link.c_str(), "net");
      found.push_back({*pid, network.value_or(0)});
    }
  }
  return found;
}

std::optional<std::vector<std::uint32_t>> sockets_of(int pid) {
  const Directory files(::opendir(format("/proc/{}/fd", pid).c_str()));
  if (!files) {
    return errno != EACCES && errno != EPERM ? std::optional(std::vector<std::uint32_t>())
                                             : std::nullopt;
  }
  const auto read = [&files](const std::vector<std::string>& names) {
    std::vector<std::uint32_t> inodes;
    for (const std::string& name : names) {
      if (const auto inode = read_inode_link(::dirfd(files.get()), name.c_str(), "socket")) {
        inodes.push_back(static_cast<std::uint32_t>(*inode));
      }
    }
    return inodes;
  };
  // The kernel takes microseconds for each. Of thousands, other threads read while we list the
  // next.
  std::vector<std::future<std::vector<std::uint32_t>>> parts;
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(files.get())) {
    names.emplace_back(entry->d_name);
    if (names.size() == kDescriptorsOfAThread) {
      parts.push_back(std::async(read, std::exchange(names, {})));
    }
  }
  std::vector<std::uint32_t> inodes = read(names);
  for (auto& part : parts) {
    std::ranges::copy(part.get(), std::back_inserter(inodes));
  }
  return inodes;
}

std::optional<Process> read_process(int pid) {
  const auto stat = read_file(format("/proc/{}/stat", pid));
  auto process = stat ? parse_stat(*stat) : std::nullopt;
  if (!process) {
    return std::nullopt;
  }
  const auto command = read_file(format("/proc/{}/cmdline", pid));
  std::string_view left = command ? std::string_view(*command) : "";
  while (!left.empty()) {
    const std::string_view word = left.substr(0, left.find('\0'));
    process->command.emplace_back(word);
    left.remove_prefix(std::min(word.size() + 1, left.size()));
  }
  return process;
}

}  // namespace forebay::doctor
