#include "doctor/report.h"

#include <algorithm>
#include <map>
#include <ranges>
#include <string_view>
#include <vector>

#include "base/text.h"

namespace forebay::doctor {
namespace {

constexpr std::size_t kRowsMax = 40;
constexpr std::size_t kUnseenMax = 20;
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

void add_lines(std::string_view label, const std::vector<std::string>& lines, std::string& text) {
  for (const std::string& line : lines) {
    text += format("  {:<6} {}\n", label, printable(line));
    label = "";
  }
}

/// Bytes of the character of UTF-8 with which the text begins; 0: it is none, or would move the
/// cursor (U+0080 to U+009F too: terminals take them for ESC and another).
std::size_t visible_length(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) {
    return first < 0x20 || first == 0x7f ? 0 : 1;
  }
  const std::size_t length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (length == 0 || first > 0xf4 || text.size() < length || (first == 0xc2 && byte(1) < 0xa0)) {
    return 0;
  }
  const auto follows = [](unsigned char c) { return (c & 0xc0) == 0x80; };
  return std::ranges::all_of(text.substr(1, length - 1), follows) ? length : 0;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string safe;
  while (!text.empty()) {
    const std::size_t length = visible_length(text);
    safe += length == 0 ? "?" : text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return safe;
}

std::string findings_text(const std::vector<Finding>& findings, const Colors& colors) {
  if (findings.empty()) {
    return format("{}Nothing is wrong with the queues of this machine.{}\n", colors.good,
                  colors.plain);
  }
  std::string text;
  for (const Finding& finding : findings) {
    const std::string_view color = finding.severity == Severity::kCritical  ? colors.critical
                                   : finding.severity == Severity::kWarning ? colors.warning
                                                                            : colors.note;
    text += format("{}{}{}{}: {}\n", text.empty() ? "" : "\n", color, word(finding.severity),
                   colors.plain, printable(finding.what));
    add_lines("seen", finding.evidence, text);
    add_lines("users", {finding.users}, text);
    add_lines("fix", finding.fix, text);
    add_lines("but", {finding.trade_off}, text);
  }
  return text;
}

std::string unseen_text(const Host& host) {
  std::string text;
  for (const std::string& what : host.unseen | std::views::take(kUnseenMax)) {
    text += format("{}{}\n", text.empty() ? "Not seen: " : "          ", printable(what));
  }
  if (host.unseen.size() > kUnseenMax) {
    text += format("          and {} more: --json\n", host.unseen.size() - kUnseenMax);
  }
  return text;
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
