#include "lab/peers.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "base/text.h"

namespace forebay::lab {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSystemFolders = ":/usr/sbin:/usr/local/sbin:/sbin";

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool executable(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored) && ::access(path.c_str(), X_OK) == 0;
}

/// In the folders of `path`, as PATH has them.
std::string look(const std::string& name, std::string_view path) {
  while (!path.empty()) {
    const std::size_t end = std::min(path.find(':'), path.size());
    if (fs::path file = fs::path(path.substr(0, end)) / name; end > 0 && executable(file)) {
      return fs::absolute(file);
    }
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return "";
}

Result<std::string> named(const std::string& path) {
  if (!executable(path)) {
    return fail(format("'{}' is no program that can be run", path));
  }
  return fs::absolute(path);
}

}  // namespace

Result<Programs> find_programs(const std::string& nginx, const std::string& gunicorn) {
  Programs programs;
  std::error_code error;
  programs.forebay = fs::read_symlink("/proc/self/exe", error);
  if (error) {
    return fail(format("cannot read /proc/self/exe: {}", error.message()));
  }
  const std::string path = variable("PATH");
  const std::string beside = fs::path(programs.forebay).parent_path();
  std::string environments = variable("VIRTUAL_ENV");
  environments = environments.empty() ? "" : environments + "/bin:";
  programs.nginx = look("nginx", path + kSystemFolders);
  programs.haproxy = look("haproxy", path + kSystemFolders);
  programs.gunicorn = look("gunicorn", environments + beside + "/venv/bin:" + beside + ":" + path);
  for (auto [asked, found] :
       {std::pair(&nginx, &programs.nginx), {&gunicorn, &programs.gunicorn}}) {
    if (!asked->empty()) {
      Result<std::string> there = named(*asked);
      if (!there) {
        return std::unexpected(there.error());
      }
      *found = std::move(*there);
    }
  }
  return programs;
}

std::vector<std::string> how_to_install(const Programs& programs) {
  std::vector<std::string> lines;
  if (programs.nginx.empty()) {
    lines.emplace_back("nginx is not here: apt-get install nginx-light");
  }
  if (programs.gunicorn.empty()) {
    lines.emplace_back(
        "gunicorn is not here: python3 -m venv peers && peers/bin/pip install gunicorn, then "
        "--gunicorn peers/bin/gunicorn");
  }
  return lines;
}

}  // namespace forebay::lab
