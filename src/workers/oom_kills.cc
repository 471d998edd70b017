#include "workers/oom_kills.h"

#include <fstream>
#include <string_view>

namespace forebay::workers {
namespace {

/// "/system.slice/app.service" of the line "0::/system.slice/app.service".
std::optional<std::string> own_group(const std::string& own_groups) {
  constexpr std::string_view kVersion2 = "0::";
  std::ifstream file(own_groups);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(kVersion2)) {
      return line.substr(kVersion2.size());
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> read_oom_kills(const std::string& own_groups,
                                            const std::string& mount) {
  const std::optional<std::string> group = own_group(own_groups);
  if (!group) {
    return std::nullopt;
  }
  std::ifstream file(mount + *group + "/memory.events");
  std::string name;
  for (std::uint64_t count = 0; file >> name >> count;) {
    if (name == "oom_kill") {
      return count;
    }
  }
  return std::nullopt;
}

}  // namespace forebay::workers
