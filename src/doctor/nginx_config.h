#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "doctor/file_tree.h"
#include "doctor/host.h"

/// nginx's configuration files, read but never run.
namespace forebay::doctor {

/// "listen 80 backlog=1024;" or "server { ... }".
struct Directive {
  std::vector<std::string> words;
  std::vector<Directive> block;
  std::string where;  // "FILE:LINE"
};

/// One file. Errors: where its braces, quotes or semicolons make no sense, or that it is deeper
/// nested than any real one.
Result<std::vector<Directive>> parse_directives(std::string_view text, const std::string& file);

/// "60", "60s", "1m 30s", "500ms", in seconds. None: no time.
std::optional<double> parse_nginx_time(std::string_view text);

struct NginxConfig {
  std::vector<AskedBacklog> listens;
  std::vector<Route> routes;
  std::vector<std::string> unseen;
};

/// The file, and what it includes (relative names from its directory, as nginx does).
NginxConfig read_nginx_config(const FileTree& files, const std::string& path);

}  // namespace forebay::doctor
