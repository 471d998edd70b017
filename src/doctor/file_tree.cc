#include "doctor/file_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <memory>

#include "base/text.h"
#include "doctor/proc.h"

namespace forebay::doctor {
namespace {

constexpr std::size_t kMatchesMax = 1000;

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

}  // namespace

FileTree FileTree::of(int pid) {
  constexpr int kFlags = O_PATH | O_DIRECTORY | O_CLOEXEC;
  Fd root(::open(format("/proc/{}/root", pid).c_str(), kFlags));
  return FileTree(root ? std::move(root) : Fd(::open("/", kFlags)));
}

Fd FileTree::open(const std::string& path, int flags) const {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags) | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT;
  return Fd(static_cast<int>(::syscall(SYS_openat2, root_.get(), path.c_str(), &how, sizeof(how))));
}

Result<std::string> FileTree::read(const std::string& path) const {
  const Fd place = open(path, O_PATH);
  if (!place) {
    return fail_errno("open " + path);
  }
  struct stat info{};
  if (::fstat(place.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return fail(format("{} is no file", path));
  }
  auto text = read_file(format("/proc/self/fd/{}", place.get()));
  return text ? std::move(text) : fail(format("cannot read {}: no permission", path));
}

std::optional<std::uint64_t> FileTree::inode(const std::string& path) const {
  const Fd place = open(path, O_PATH);
  struct stat info{};
  return place && ::fstat(place.get(), &info) == 0 ? std::optional<std::uint64_t>(info.st_ino)
                                                   : std::nullopt;
}

bool FileTree::missing(const std::string& path) const {
  return !open(path, O_PATH) && errno == ENOENT;
}

std::vector<std::string> FileTree::glob(const std::string& pattern) const {
  if (pattern.find_first_of("*?[") == std::string::npos) {
    return {pattern};
  }
  const std::size_t slash = pattern.rfind('/') + 1;
  const std::string directory = pattern.substr(0, slash);
  const std::string last = pattern.substr(slash);
  std::vector<std::string> found;
  Fd place = open(directory.empty() ? "." : directory, O_RDONLY | O_DIRECTORY);
  const std::unique_ptr<DIR, CloseDirectory> entries(place ? ::fdopendir(place.get()) : nullptr);
  if (!entries) {
    return found;
  }
  (void)place.release();  // closed with `entries`
  while (const dirent* entry = ::readdir(entries.get())) {
    if (found.size() < kMatchesMax && ::fnmatch(last.c_str(), entry->d_name, FNM_PERIOD) == 0) {
      found.push_back(directory + entry->d_name);
    }
  }
  std::ranges::sort(found);
  return found;
}

std::string FileTree::directory_of(int pid) {
  std::array<char, PATH_MAX> path{};
  const ssize_t length = ::readlink(format("/proc/{}/cwd", pid).c_str(), path.data(), path.size());
  return length <= 0 ? "/" : std::string(path.data(), static_cast<std::size_t>(length));
}

std::string resolve(const std::string& directory, const std::string& path) {
  if (path.starts_with('/')) {
    return path;
  }
  return directory.ends_with('/') ? directory + path : directory + "/" + path;
}

}  // namespace forebay::doctor
