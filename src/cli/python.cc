#include "cli/python.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "base/text.h"

namespace forebay::cli {
namespace {

namespace fs = std::filesystem;

fs::path own_directory() {
  std::error_code ignored;
  return fs::read_symlink("/proc/self/exe", ignored).parent_path();
}

bool executable(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored) && ::access(path.c_str(), X_OK) == 0;
}

std::string search_path(std::string_view name) {
  const char* variable = std::getenv("PATH");
  std::string_view left = variable == nullptr ? "/usr/local/bin:/usr/bin:/bin" : variable;
  while (!left.empty()) {
    const std::size_t colon = left.find(':');
    const fs::path candidate = fs::path(left.substr(0, colon)) / name;
    if (executable(candidate)) {
      return candidate;
    }
    left = colon == std::string_view::npos ? "" : left.substr(colon + 1);
  }
  return "";
}

}  // namespace

Result<std::string> find_python(const std::string& asked) {
  if (!asked.empty()) {
    std::string found = asked.find('/') == std::string::npos ? search_path(asked) : asked;
    if (found.empty() || !executable(found)) {
      return fail(format("--python {}: no such interpreter, or it is not executable", asked));
    }
    return found;
  }
  if (const char* environment = std::getenv("VIRTUAL_ENV"); environment != nullptr) {
    fs::path python = fs::path(environment) / "bin/python3";
    if (executable(python)) {
      return python;
    }
    return fail(
        format("VIRTUAL_ENV is {}, but there is no interpreter {}: deactivate it, or name "
               "one with --python",
               environment, python.string()));
  }
  std::error_code ignored;
  fs::path beside = own_directory() / "python3";
  if (fs::exists(own_directory().parent_path() / "pyvenv.cfg", ignored) && executable(beside)) {
    return beside;
  }
  std::string found = search_path("python3");
  if (found.empty()) {
    return fail(
        "there is no python3 in PATH: install one (3.11 or later), or name it with --python");
  }
  return found;
}

Result<std::string> find_package() {
  for (const fs::path& place :
       {own_directory() / "python/forebay", own_directory() / "../lib/forebay/python/forebay"}) {
    std::error_code ignored;
    if (fs::exists(place / "__main__.py", ignored)) {
      return fs::canonical(place, ignored).string();
    }
  }
  return fail(
      format("the Python package is not beside {}: install the whole of Forebay, or build "
             "it with ./dev build",
             own_directory().string()));
}

}  // namespace forebay::cli
