#include "doctor/report.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <vector>

#include "base/text.h"

namespace forebay::doctor {
namespace {

constexpr std::size_t kRowsMax = 40;
constexpr std::size_t kAddressWidthMax = 48;

struct Row {
  const ListeningSocket* socket;
  std::string owner;
};

std::string fill(const ListeningSocket& socket) {
  return socket.full() ? "full"
                       : format("{} %", std::uint64_t{socket.waiting} * 100 / socket.capacity());
}

/// "nginx (90)", "gunicorn (812 and 8 more)".
std::string owner(const ListeningSocket& socket, const std::map<int, const Process*>& processes) {
  if (socket.owners.empty()) {
    return "?";
  }
  const int first = socket.owners.front();
  const auto process = processes.find(first);
  const std::string name = process == processes.end() ? "?" : printable(process->second->name);
  const std::size_t others = socket.owners.size() - 1;
  return others == 0 ? format("{} ({})", name, first)
                     : format("{} ({} and {} more)", name, first, others);
}

bool fuller(const Row& a, const Row& b) {
  // waiting / capacity, without division
  const std::uint64_t left = a.socket->waiting * b.socket->capacity();
  const std::uint64_t right = b.socket->waiting * a.socket->capacity();
  return left != right ? left > right : a.socket->address < b.socket->address;
}

std::string table(std::vector<Row> rows, bool all) {
  std::ranges::sort(rows, fuller);
  const std::size_t shown = all ? rows.size() : std::min(rows.size(), kRowsMax);
  std::size_t width = 6;
  for (std::size_t i = 0; i < shown; ++i) {
    width = std::max(width, std::min(rows[i].socket->address.size(), kAddressWidthMax));
  }
  std::string text = format("  {:>7} {:>7} {:>6} {:>5}  {:<{}}  process\n", "waiting", "limit",
                            "fill", "gone", "socket", width);
  for (std::size_t i = 0; i < shown; ++i) {
    const ListeningSocket& socket = *rows[i].socket;
    const std::string gone = socket.gone.value_or(0) == 0 ? "" : format("{}", *socket.gone);
    text += format("  {:>7} {:>7} {:>6} {:>5}  {:<{}}  {}\n", socket.waiting, socket.limit,
                   fill(socket), gone, printable(socket.address), width, rows[i].owner);
  }
  if (shown < rows.size()) {
    text += format("  and {} more: --all\n", rows.size() - shown);
  }
  return text;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string safe(text);
  std::ranges::replace_if(safe, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return safe;
}

std::string socket_table(const Host& host, bool all) {
  std::map<int, const Process*> processes;
  for (const Process& process : host.processes) {
    processes.emplace(process.pid, &process);
  }
  std::string text;
  for (const NetworkNamespace& network : host.networks) {
    if (network.sockets.empty() && network.pid != 0) {
      continue;
    }
    const std::string where =
        network.pid == 0 ? "" : format(" of the network namespace of process {}", network.pid);
    const std::string somaxconn =
        network.somaxconn ? format("{}", *network.somaxconn) : "not known";
    text += format("{}Listening sockets{} (net.core.somaxconn {})\n", text.empty() ? "" : "\n",
                   where, somaxconn);
    std::vector<Row> rows;
    for (const ListeningSocket& socket : network.sockets) {
      rows.push_back({&socket, owner(socket, processes)});
    }
    text += rows.empty() ? "  none\n" : table(std::move(rows), all);
  }
  return text;
}

}  // namespace forebay::doctor
