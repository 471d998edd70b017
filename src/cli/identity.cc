#include "cli/identity.h"

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>

#include "base/check.h"
#include "base/text.h"

namespace forebay::cli {
namespace {

std::optional<id_t> parse_number(const std::string& text) {
  const char* end = text.data() + text.size();
  id_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  // The highest means "no change" to the system's calls.
  const bool valid = error == std::errc() && rest == end && number != static_cast<id_t>(-1);
  return valid ? std::optional(number) : std::nullopt;
}

/// Only at the start, while there is one thread: getpwnam(3) and its like are good enough.
Result<void> find_user(const std::string& user, Identity& identity) {
  const std::optional<id_t> number = parse_number(user);
  const passwd* entry = number ? ::getpwuid(*number) : ::getpwnam(user.c_str());
  if (entry != nullptr) {
    identity = {entry->pw_uid, entry->pw_gid, entry->pw_name};
    return {};
  }
  if (!number) {
    return fail(format("--user: there is no user '{}' here (/etc/passwd)", user));
  }
  identity = {*number, ::getegid(), ""};
  return {};
}

Result<void> find_group(const std::string& group, Identity& identity) {
  const std::optional<id_t> number = parse_number(group);
  const ::group* entry = number ? nullptr : ::getgrnam(group.c_str());
  if (!number && entry == nullptr) {
    return fail(format("--group: there is no group '{}' here (/etc/group)", group));
  }
  identity.group = number ? *number : entry->gr_gid;
  return {};
}

}  // namespace

Result<std::optional<Identity>> find_identity(const std::string& user, const std::string& group) {
  Identity identity{::geteuid(), ::getegid(), ""};
  if (!user.empty()) {
    if (const Result<void> found = find_user(user, identity); !found) {
      return std::unexpected(found.error());
    }
    if (identity.name.empty() && group.empty()) {
      return fail(format("--user: {} has no entry in /etc/passwd: name its --group too", user));
    }
  }
  if (!group.empty()) {
    if (const Result<void> found = find_group(group, identity); !found) {
      return std::unexpected(found.error());
    }
  }
  if (identity.user == ::geteuid() && identity.group == ::getegid()) {
    return std::nullopt;
  }
  if (::geteuid() != 0) {
    return fail(
        "--user and --group: only root can become somebody else. Start as root, or leave them "
        "out and start as that user");
  }
  return identity;
}

Result<void> give(const std::string& path, const Identity& identity) {
  struct stat info{};
  const bool known = ::lstat(path.c_str(), &info) == 0;
  if (known && !S_ISREG(info.st_mode) && !S_ISSOCK(info.st_mode)) {
    return {};
  }
  if (!known || ::lchown(path.c_str(), identity.user, identity.group) != 0) {
    return fail_errno(format("give {} to the user of --user and --group", path));
  }
  return {};
}

Result<void> become(const Identity& identity) {
  const int groups = identity.name.empty() ? ::setgroups(1, &identity.group)
                                           : ::initgroups(identity.name.c_str(), identity.group);
  if (groups != 0 || ::setresgid(identity.group, identity.group, identity.group) != 0 ||
      ::setresuid(identity.user, identity.user, identity.user) != 0) {
    return fail_errno(
        "become the user of --user and --group (capabilities CAP_SETUID and CAP_SETGID)");
  }
  CHECK(identity.user == 0 || ::setuid(0) != 0);
  // Who has changed must not read its own /proc/self any more, which files of bodies need.
  ::prctl(PR_SET_DUMPABLE, 1);
  return {};
}

}  // namespace forebay::cli
