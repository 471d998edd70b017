#include "doctor/nginx_config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include "base/text.h"

namespace forebay::doctor {
namespace {

constexpr int kIncludesDeep = 16;
constexpr std::size_t kFilesMax = 2000;
constexpr std::size_t kBytesMax = std::size_t{16} << 20;  // of all files together
constexpr std::size_t kRoutesMax = 1000;
constexpr std::size_t kPlacesMax = 20'000;  // looked at for `listens` and `routes`
constexpr std::uint32_t kDefaultBacklog = 511;
constexpr double kDefaultTimeout = 60;
/// What passes requests on: NAME_pass, NAME_read_timeout, NAME_connect_timeout.
constexpr std::array kPassers{"proxy", "uwsgi", "fastcgi", "scgi", "grpc"};

using Upstreams = std::map<std::string, std::vector<std::string>, std::less<>>;

/// All files as one tree.
class Includes {
 public:
  Includes(const FileTree& files, const std::string& path, std::vector<std::string>& unseen)
      : files_(files), directory_(path.substr(0, path.rfind('/') + 1)), unseen_(unseen) {}

  std::vector<Directive> read(const std::string& path, int depth = 0) {
    if (++count_ > kFilesMax || depth > kIncludesDeep || bytes_ > kBytesMax) {
      note_limit();
      return {};
    }
    const auto text = files_.read(path);
    bytes_ += text ? text->size() : 0;
    auto directives = text ? parse_directives(*text, path) : std::unexpected(text.error());
    if (!directives) {
      unseen_.push_back("nginx's configuration: " + directives.error().message);
      return {};
    }
    return expand(std::move(*directives), depth);
  }

 private:
  void note_limit() {
    if (!std::exchange(limit_noted_, true)) {
      unseen_.emplace_back("nginx's configuration: it is too large to be read to its end");
    }
  }

  std::vector<Directive> expand(std::vector<Directive> directives, int depth) {
    std::vector<Directive> all;
    for (Directive& directive : directives) {
      directive.block = expand(std::move(directive.block), depth);
      if (directive.words.size() != 2 || directive.words[0] != "include") {
        all.push_back(std::move(directive));
        continue;
      }
      for (const std::string& path : files_.glob(resolve(directory_, directive.words[1]))) {
        std::ranges::move(read(path, depth + 1), std::back_inserter(all));
      }
    }
    return all;
  }

  const FileTree& files_;
  std::string directory_;
  std::vector<std::string>& unseen_;
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
  bool limit_noted_ = false;
};

/// "80", "*:80", "127.0.0.1", "[::]:80", "unix:/x": as a ListeningSocket says it.
std::string normalized(std::string_view text, std::string_view default_port) {
  if (text.starts_with("unix:")) {
    return std::string(text);
  }
  if (std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) {
    return format("0.0.0.0:{}", text);
  }
  const std::size_t colon = text.rfind(':');
  const bool has_port = colon != std::string_view::npos && !text.ends_with(']');
  std::string_view host = text.substr(0, has_port ? colon : text.size());
  host = host == "*" ? "0.0.0.0" : host == "localhost" ? "127.0.0.1" : host;
  return format("{}:{}", host, has_port ? text.substr(colon + 1) : default_port);
}

/// "http://unix:/run/x.sock:/path" or "https://host:8000/path": the address alone.
std::string upstream_address(std::string_view url, std::string_view& default_port) {
  default_port = url.starts_with("https://") || url.starts_with("grpcs://") ? "443" : "80";
  if (const std::size_t scheme = url.find("://"); scheme != std::string_view::npos) {
    url.remove_prefix(scheme + 3);
  }
  if (url.starts_with("unix:")) {
    const std::size_t end = url.find(':', 5);
    return std::string(url.substr(0, end));
  }
  return std::string(url.substr(0, url.find('/')));
}

std::string_view value_of(const std::vector<Directive>& level, std::string_view name) {
  const auto found = std::ranges::find_if(level, [name](const Directive& directive) {
    return directive.words.size() >= 2 && directive.words[0] == name;
  });
  return found == level.end() ? "" : std::string_view(found->words[1]);
}

struct Timeouts {
  double connect = kDefaultTimeout;
  double read = kDefaultTimeout;
};
using AllTimeouts = std::array<Timeouts, kPassers.size()>;

class Interpreter {
 public:
  explicit Interpreter(NginxConfig& config) : config_(config) {}

  void read(const std::vector<Directive>& main) {
    for (const Directive& directive : main) {
      if (directive.words[0] == "http") {
        collect_upstreams(directive.block);
        walk(directive.block, {});
      }
    }
    if (!all_looked_at_) {
      config_.unseen.emplace_back("nginx's configuration: it has too many addresses for us");
    }
  }

 private:
  void collect_upstreams(const std::vector<Directive>& level) {
    for (const Directive& upstream : level) {
      if (upstream.words.size() < 2 || upstream.words[0] != "upstream") {
        continue;
      }
      std::vector<std::string>& places = upstreams_[upstream.words[1]];
      for (const Directive& server : upstream.block) {
        const bool down = std::ranges::find(server.words, "down") != server.words.end();
        if (server.words.size() >= 2 && server.words[0] == "server" && !down) {
          places.push_back(normalized(server.words[1], "80"));
        }
      }
    }
  }

  /// A level's timeouts hold for all of it and for what is within, wherever they stand.
  void walk(const std::vector<Directive>& level, AllTimeouts timeouts) {
    for (std::size_t i = 0; i < kPassers.size(); ++i) {
      const std::string name = kPassers[i];
      Timeouts& mine = timeouts[i];
      mine.read = parse_nginx_time(value_of(level, name + "_read_timeout")).value_or(mine.read);
      mine.connect =
          parse_nginx_time(value_of(level, name + "_connect_timeout")).value_or(mine.connect);
    }
    for (const Directive& directive : level) {
      if (directive.words[0] == "listen" && directive.words.size() >= 2) {
        add_listen(directive);
      }
      for (std::size_t i = 0; i < kPassers.size(); ++i) {
        if (directive.words.size() >= 2 &&
            directive.words[0] == std::string(kPassers[i]) + "_pass") {
          add_routes(directive, timeouts[i]);
        }
      }
      walk(directive.block, timeouts);
    }
  }

  /// Somebody else's file must not keep us busy for minutes.
  bool may_look() {
    all_looked_at_ = all_looked_at_ && ++looked_at_ <= kPlacesMax &&
                     std::max(config_.routes.size(), config_.listens.size()) < kRoutesMax;
    return all_looked_at_;
  }

  /// Many servers may listen at one address; one of them says the backlog.
  void add_listen(const Directive& directive) {
    if (!may_look()) {
      return;
    }
    AskedBacklog asked{normalized(directive.words[1], "80"), kDefaultBacklog, "nginx's default"};
    for (const std::string_view word : directive.words) {
      constexpr std::string_view kName = "backlog=";
      if (word.starts_with(kName)) {
        const std::string_view number = word.substr(kName.size());
        std::from_chars(number.data(), number.data() + number.size(), asked.backlog);
        asked.where = directive.where;
      }
    }
    const auto same = std::ranges::find(config_.listens, asked.address, &AskedBacklog::address);
    if (same == config_.listens.end()) {
      config_.listens.push_back(std::move(asked));
    } else if (asked.where == directive.where) {
      *same = std::move(asked);
    }
  }

  void add_routes(const Directive& pass, const Timeouts& timeouts) {
    std::string_view default_port;
    const std::string address = upstream_address(pass.words[1], default_port);
    if (address.find('$') != std::string::npos) {
      config_.unseen.push_back(format("where {} passes requests: it has a variable", pass.where));
      return;
    }
    const auto named = upstreams_.find(address);
    const std::vector<std::string> places =
        named == upstreams_.end() ? std::vector{normalized(address, default_port)} : named->second;
    for (const std::string& place : places) {
      if (!may_look()) {
        return;
      }
      const bool known = std::ranges::any_of(config_.routes, [&](const Route& route) {
        return route.upstream == place && route.read_timeout_seconds == timeouts.read;
      });
      if (!known) {
        config_.routes.push_back({place, timeouts.connect, timeouts.read, pass.where});
      }
    }
  }

  NginxConfig& config_;
  Upstreams upstreams_;
  std::size_t looked_at_ = 0;
  bool all_looked_at_ = true;
};

}  // namespace

std::optional<double> parse_nginx_time(std::string_view text) {
  double seconds = 0;
  if (text.empty()) {
    return std::nullopt;
  }
  while (!text.empty()) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc()) {
      return std::nullopt;
    }
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    struct Unit {
      std::string_view name;
      double seconds;
    };
    constexpr std::array kUnits{Unit{"ms", 0.001}, Unit{"s", 1},      Unit{"m", 60},
                                Unit{"h", 3600},   Unit{"d", 86'400}, Unit{"", 1}};
    const auto* unit = std::ranges::find_if(
        kUnits, [text](const Unit& each) { return text.starts_with(each.name); });
    seconds += number * unit->seconds;
    text.remove_prefix(unit->name.size());
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  }
  return seconds;
}

NginxConfig read_nginx_config(const FileTree& files, const std::string& path) {
  NginxConfig config;
  const std::vector<Directive> main = Includes(files, path, config.unseen).read(path);
  Interpreter(config).read(main);
  return config;
}

}  // namespace forebay::doctor
