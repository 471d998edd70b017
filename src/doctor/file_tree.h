#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace forebay::doctor {

/// The files as a process sees them: in a container its root is not ours. Only regular files are
/// opened, so that a path from somebody's command line cannot start a device. Read only.
class FileTree {
 public:
  /// The files of a process; ours, if we may not look there.
  static FileTree of(int pid);

  /// At most kFileMax bytes. Errors: not there, not readable, no file.
  [[nodiscard]] Result<std::string> read(const std::string& path) const;
  /// The number of a file of any kind; none: not there.
  [[nodiscard]] std::optional<std::uint64_t> inode(const std::string& path) const;
  /// Nothing is there; false too if we may not look.
  [[nodiscard]] bool missing(const std::string& path) const;
  /// The absolute paths that match a pattern with * ? [] in its last part, sorted as glob(7) does;
  /// a pattern without them names itself.
  [[nodiscard]] std::vector<std::string> glob(const std::string& pattern) const;
  /// Where a process stands: what its relative paths start from. "/" if we may not look.
  [[nodiscard]] static std::string directory_of(int pid);

 private:
  explicit FileTree(Fd root) : root_(std::move(root)) {}
  [[nodiscard]] Fd open(const std::string& path, int flags) const;

  Fd root_;
};

/// `path`, seen from `directory` unless it is absolute.
std::string resolve(const std::string& directory, const std::string& path);

}  // namespace forebay::doctor
