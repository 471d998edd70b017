#include "doctor/servers.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <set>
#include <sstream>

#include "base/text.h"
#include "doctor/file_tree.h"
#include "doctor/gunicorn_config.h"
#include "doctor/nginx_config.h"
#include "doctor/proc.h"
#include "doctor/status_page.h"

namespace forebay::doctor {
namespace {

using Kind = Server::Kind;

constexpr std::uint32_t kUwsgiBacklog = 100;
constexpr std::uint32_t kForebayBacklog = 2048;

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

bool is_gunicorn(const Process& process) {
  for (std::size_t i = 0; i < std::min<std::size_t>(process.command.size(), 4); ++i) {
    const std::string_view word = process.command[i];
    if (base_name(word) == "gunicorn" || word.starts_with("gunicorn: ")) {
      return true;
    }
  }
  return false;
}

std::optional<Kind> kind_of(const Process& process) {
  const std::string_view first =
      process.command.empty() ? "" : std::string_view(process.command[0]);
  if (first.starts_with("nginx: ") || base_name(first) == "nginx") {
    return Kind::kNginx;
  }
  if (is_gunicorn(process)) {
    return Kind::kGunicorn;
  }
  if (base_name(first) == "uwsgi") {
    return Kind::kUwsgi;
  }
  if (base_name(first) == "forebay" && process.command.size() > 1 &&
      process.command[1] == "serve") {
    return Kind::kForebay;
  }
  return std::nullopt;
}

/// The value of an option in one of the forms `--name value`, `--name=value`, `-n value`.
std::string option(const std::vector<std::string>& words, std::string_view name,
                   std::string_view short_name = "") {
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (word == name || (!short_name.empty() && word == short_name)) {
      return i + 1 < words.size() ? words[i + 1] : "";
    }
    if (word.starts_with(name) && word.substr(name.size()).starts_with('=')) {
      return std::string(word.substr(name.size() + 1));
    }
  }
  return "";
}

std::optional<double> to_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end != text.data() ? std::optional(value) : std::nullopt;
}

void move_into(std::vector<std::string>& from, std::vector<std::string>& to) {
  std::ranges::move(from, std::back_inserter(to));
}

/// A unix upstream may be named by another path than that which was bound: /var/run is /run.
void follow_links(const FileTree& files, const Host& host, std::vector<Route>& routes) {
  constexpr std::string_view kUnix = "unix:";
  for (Route& route : routes) {
    if (!route.upstream.starts_with(kUnix)) {
      continue;
    }
    const std::string path = route.upstream.substr(kUnix.size());
    const auto inode = files.inode(path);
    route.no_file = !inode && files.missing(path);
    for (const NetworkNamespace& network : host.networks) {
      const auto same = std::ranges::find_if(network.sockets, [&](const ListeningSocket& socket) {
        return inode && socket.file_inode == static_cast<std::uint32_t>(*inode) &&
               base_name(socket.address) == base_name(route.upstream);
      });
      if (same != network.sockets.end()) {
        route.upstream = same->address;
      }
    }
  }
}

void read_nginx(const Process& master, Server& server, Host& host) {
  const FileTree files = FileTree::of(master.pid);
  NginxConfig config = read_nginx_config(files, nginx_config_path(master.command));
  server.backlogs = std::move(config.listens);
  server.routes = std::move(config.routes);
  follow_links(files, host, server.routes);
  move_into(config.unseen, host.unseen);
}

/// gunicorn's own order: the file, GUNICORN_CMD_ARGS, the command line.
void read_gunicorn(const Process& master, Server& server, Host& host) {
  if (master.command.size() == 1 || master.command[0].starts_with("gunicorn: ")) {
    host.unseen.push_back(
        format("the options of gunicorn ({}): its command line shows only a title", master.pid));
    return;
  }
  std::vector<std::string> words;
  const auto environment = read_file(format("/proc/{}/environ", master.pid));
  constexpr std::string_view kVariable = "GUNICORN_CMD_ARGS=";
  for (std::string_view left = environment ? std::string_view(*environment) : ""; !left.empty();) {
    const std::string_view pair = left.substr(0, left.find('\0'));
    left.remove_prefix(std::min(pair.size() + 1, left.size()));
    if (pair.starts_with(kVariable)) {
      std::istringstream stream(std::string(pair.substr(kVariable.size())));
      for (std::string word; stream >> word;) {
        words.push_back(word);
      }
    }
  }
  words.insert(words.end(), master.command.begin(), master.command.end());

  GunicornConfig config;
  read_gunicorn_options(words, config);
  const FileTree files = FileTree::of(master.pid);
  const std::string path = config.config_path.empty() ? "gunicorn.conf.py" : config.config_path;
  const std::string directory = resolve(FileTree::directory_of(master.pid), config.directory);
  if (const auto text = files.read(resolve(directory, path))) {
    GunicornConfig from_file;
    read_gunicorn_file(*text, resolve(directory, path), from_file);
    read_gunicorn_options(words, from_file);
    config = std::move(from_file);
  } else if (!config.config_path.empty()) {
    host.unseen.push_back(format("gunicorn's configuration: {}", text.error().message));
  }
  server.backlogs = {{"", config.backlog, config.backlog_where}};
  server.timeout_seconds = config.timeout_seconds;
  server.threads = config.requests_per_worker();
  move_into(config.unseen, host.unseen);
}

void read_uwsgi(const Process& master, Server& server) {
  const auto backlog = to_number(option(master.command, "--listen", "-l"));
  const bool file = std::ranges::any_of(master.command, [](const std::string& word) {
    return word.find(".ini") != std::string::npos || word.find(".xml") != std::string::npos;
  });
  if (backlog || !file) {
    server.backlogs = {{"", backlog ? static_cast<std::uint32_t>(*backlog) : kUwsgiBacklog,
                        backlog ? "--listen" : "uWSGI's default"}};
  }
  server.timeout_seconds = to_number(option(master.command, "--harakiri"));
  server.threads = 1;
  if (const auto threads = to_number(option(master.command, "--threads"))) {
    server.threads = static_cast<unsigned>(*threads);
  }
}

void read_forebay(const Process& master, Server& server, Host& host) {
  const auto backlog = to_number(option(master.command, "--backlog"));
  const std::uint32_t asked = backlog ? static_cast<std::uint32_t>(*backlog) : kForebayBacklog;
  const std::string admin = option(master.command, "--admin");
  for (const NetworkNamespace& network : host.networks) {
    for (const ListeningSocket& socket : network.sockets) {
      if (std::ranges::find(socket.owners, master.pid) != socket.owners.end() &&
          socket.address != admin) {
        server.backlogs.push_back(
            {socket.address, asked, backlog ? "--backlog" : "Forebay's default"});
      }
    }
  }
  if (admin.empty()) {
    host.unseen.push_back(format("the queue of Forebay ({}): it has no --admin", master.pid));
    return;
  }
  if (!admin.starts_with("unix:") && master.network != host.networks.front().id) {
    host.unseen.push_back(
        format("the queue of Forebay ({}): it is in another network namespace", master.pid));
    return;
  }
  auto status = read_forebay_status(master.pid, admin);
  if (status) {
    server.status = *status;
  } else {
    host.unseen.push_back(
        format("the queue of Forebay ({}): {}", master.pid, status.error().message));
  }
}

void read_settings(const Process& master, Server& server, Host& host) {
  switch (server.kind) {
    case Kind::kNginx:
      return read_nginx(master, server, host);
    case Kind::kGunicorn:
      return read_gunicorn(master, server, host);
    case Kind::kUwsgi:
      return read_uwsgi(master, server);
    case Kind::kForebay:
      return read_forebay(master, server, host);
  }
}

/// The addresses and ports at which a server listens, within one namespace.
struct Places {
  std::set<std::string, std::less<>> names;
  std::set<std::uint16_t> ports;
};

Places places_of(const Server& server, const NetworkNamespace& network) {
  Places places;
  for (const ListeningSocket& socket : network.sockets) {
    if (std::ranges::find(socket.owners, server.pid) == socket.owners.end()) {
      continue;
    }
    if (socket.family == Family::kUnix) {
      places.names.insert(socket.address);
    } else {
      places.ports.insert(socket.port);
    }
  }
  return places;
}

}  // namespace

std::string nginx_config_path(const std::vector<std::string>& command) {
  std::vector<std::string> words;
  for (const std::string& part : command) {  // the title is one string
    std::istringstream stream(part);
    for (std::string word; stream >> word;) {
      words.push_back(word);
    }
  }
  const std::string prefix = option(words, "-p", "-p");
  const std::string path = option(words, "-c", "-c");
  if (!path.empty()) {
    return resolve(prefix.empty() ? "/etc/nginx" : prefix, path);
  }
  const bool own = std::ranges::any_of(
      words, [](const std::string& word) { return word.starts_with("/usr/local/nginx/"); });
  return own ? "/usr/local/nginx/conf/nginx.conf" : "/etc/nginx/nginx.conf";
}

void recognise_servers(Host& host) {
  std::map<int, Kind> kinds;
  for (const Process& process : host.processes) {
    if (const auto kind = kind_of(process)) {
      kinds.emplace(process.pid, *kind);
    }
  }
  std::map<int, std::size_t> masters;
  for (const Process& process : host.processes) {
    const auto kind = kinds.find(process.pid);
    const auto parent = kinds.find(process.parent);
    if (kind == kinds.end() || (parent != kinds.end() && parent->second == kind->second)) {
      continue;
    }
    Server server;
    server.kind = kind->second;
    server.pid = process.pid;
    server.network = process.network;
    read_settings(process, server, host);
    masters.emplace(process.pid, host.servers.size());
    host.servers.push_back(std::move(server));
  }
  for (const Process& process : host.processes) {
    const auto master = masters.find(process.parent);
    if (master != masters.end() && kinds.contains(process.pid)) {
      host.servers[master->second].workers.push_back({process.pid, std::nullopt});
    }
  }
}

void count_connections(Host& host, const NetworkNamespace& network,
                       const std::vector<AcceptedSocket>& accepted) {
  for (Server& server : host.servers) {
    const Places places = places_of(server, network);
    if (server.threads == 0 || (places.names.empty() && places.ports.empty())) {
      continue;
    }
    std::set<std::uint32_t> inodes;
    for (const AcceptedSocket& socket : accepted) {
      if (socket.port != 0 ? places.ports.contains(socket.port)
                           : places.names.contains(socket.address)) {
        inodes.insert(socket.inode);
      }
    }
    for (Worker& worker : server.workers) {
      if (const auto sockets = sockets_of(worker.pid)) {
        worker.connections = static_cast<unsigned>(std::ranges::count_if(
            *sockets, [&](std::uint32_t inode) { return inodes.contains(inode); }));
      }
    }
  }
}

}  // namespace forebay::doctor
