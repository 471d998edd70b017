#include "lab/sandbox.h"

#include <fcntl.h>
#include <linux/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <system_error>

#include "base/text.h"

namespace forebay::lab {
namespace {

constexpr const char* kWorkDirectory = "/dev/shm";  // of the sandbox: a tmpfs of its own
constexpr int kNamespaces = CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWNS;

// --- inside ----------------------------------------------------------------------------------

Result<void> write_file(const char* path, const std::string& text) {
  const Fd file(::open(path, O_WRONLY | O_CLOEXEC));
  if (!file || ::write(file.get(), text.data(), text.size()) < 0) {
    return fail_errno(format("write {} into {}", text, path));
  }
  return {};
}

/// We stay who we are, and may do everything in our namespaces; see user_namespaces(7).
Result<void> map_user(uid_t user, gid_t group) {
  if (auto written = write_file("/proc/self/setgroups", "deny"); !written) {
    return written;
  }
  if (auto written = write_file("/proc/self/gid_map", format("{0} {0} 1", group)); !written) {
    return written;
  }
  return write_file("/proc/self/uid_map", format("{0} {0} 1", user));
}

Result<void> mount_own() {
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return fail_errno("make mounts private");
  }
  if (::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
    return fail_errno("mount /proc of the sandbox (inside a container? then add --here)");
  }
  if (::mount("lab", kWorkDirectory, "tmpfs", MS_NOSUID | MS_NODEV, "mode=700") != 0) {
    return fail_errno(format("mount a tmpfs on {}", kWorkDirectory));
  }
  return {};
}

Result<void> raise_loopback() {
  const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::string_view("lo").copy(static_cast<char*>(request.ifr_name), IFNAMSIZ - 1);
  request.ifr_flags = IFF_UP;
  if (!socket || ::ioctl(socket.get(), SIOCSIFFLAGS, &request) != 0) {
    return fail_errno("raise the loopback of the sandbox");
  }
  return {};
}

Result<void> furnish(const SandboxOptions& options, uid_t user, gid_t group, bool own_user) {
  if (own_user) {
    if (auto mapped = map_user(user, group); !mapped) {
      return mapped;
    }
  }
  if (auto mounted = mount_own(); !mounted) {
    return mounted;
  }
  if (auto raised = raise_loopback(); !raised) {
    return raised;
  }
  return options.somaxconn == 0
             ? Result<void>{}
             : write_file("/proc/sys/net/core/somaxconn", std::to_string(options.somaxconn));
}

void say(int pipe, const char* key, const Json& value) {
  const std::string line = dump(Json{{key, value}}) + "\n";
  for (std::size_t sent = 0; sent < line.size();) {
    const ssize_t bytes = ::write(pipe, line.data() + sent, line.size() - sent);
    if (bytes < 0) {
      ::_exit(1);  // nobody listens any more
    }
    sent += static_cast<std::size_t>(bytes);
  }
}

/// The state of a process that was never anything but this: no signal is blocked, Ctrl-C is not for
/// it, and it ends with its parent.
void become_own(int pipe) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  pollfd parent{.fd = pipe, .events = 0, .revents = 0};
  if (::poll(&parent, 1, 0) > 0) {
    ::_exit(1);  // it had died before we asked
  }
  ::setsid();
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}

[[noreturn]] void run(int pipe, const Result<void>& furnished, const std::string& directory,
                      const Sandbox::Body& body) {
  const auto tell = [pipe](std::string_view text) { say(pipe, "told", text); };
  const Result<Json> result =
      furnished ? body(directory, tell) : std::unexpected(furnished.error());
  if (result) {
    say(pipe, "result", *result);
  } else {
    say(pipe, "error", result.error().message);
  }
  ::_exit(0);
}

// --- outside ---------------------------------------------------------------------------------

/// fork(2) into new namespaces.
pid_t clone_into(int flags) {
  return static_cast<pid_t>(::syscall(SYS_clone, flags | SIGCHLD, nullptr, nullptr, nullptr, 0));
}

std::string first_line(const char* path) {
  const Fd file(::open(path, O_RDONLY | O_CLOEXEC));
  std::array<char, 64> text{};
  const ssize_t bytes = file ? ::read(file.get(), text.data(), text.size()) : 0;
  const std::string_view read(text.data(), bytes > 0 ? static_cast<std::size_t>(bytes) : 0);
  return std::string(read.substr(0, read.find('\n')));
}

std::unexpected<Error> refused(int code) {
  std::string why = "a container's seccomp profile or a security module, most likely";
  std::string help = "run it as root";
  if (first_line("/proc/sys/kernel/unprivileged_userns_clone") == "0") {
    why = "kernel.unprivileged_userns_clone is 0";
    help = "sysctl kernel.unprivileged_userns_clone=1 as root, or run it as root";
  } else if (first_line("/proc/sys/user/max_user_namespaces") == "0") {
    why = "user.max_user_namespaces is 0";
    help = "sysctl user.max_user_namespaces=10000 as root, or run it as root";
  } else if (first_line("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1") {
    why = "kernel.apparmor_restrict_unprivileged_userns is 1";
    help = "sysctl kernel.apparmor_restrict_unprivileged_userns=0 as root, or run it as root";
  }
  return fail(
      format("cannot make namespaces for the experiment: {}: {}. To do: {}; or add --here, which "
             "uses this machine's network and its net.core.somaxconn",
             std::strerror(code), why, help));
}

struct Cloned {
  pid_t pid;
  bool own_user;
};
Cloned clone_sandbox(bool here) {
  if (here) {
    return {.pid = clone_into(0), .own_user = false};
  }
  if (::geteuid() == 0) {
    const pid_t pid = clone_into(kNamespaces);
    if (pid >= 0 || errno != EPERM) {  // EPERM: root of a container
      return {.pid = pid, .own_user = false};
    }
  }
  return {.pid = clone_into(kNamespaces | CLONE_NEWUSER), .own_user = true};
}

Result<std::string> make_directory(bool here) {
  if (!here) {
    return kWorkDirectory;
  }
  std::string path = std::filesystem::temp_directory_path() / "forebay-lab-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) {
    return fail_errno(format("make a directory {}", path));
  }
  return path;
}

}  // namespace

Result<Sandbox> Sandbox::start(const SandboxOptions& options, const Body& body) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return fail_errno("make a pipe");
  }
  Fd ours(ends[0]);
  Fd theirs(ends[1]);
  const Result<std::string> directory = make_directory(options.here);
  if (!directory) {
    return std::unexpected(directory.error());
  }
  const uid_t user = ::geteuid();
  const gid_t group = ::getegid();
  const auto [pid, own_user] = clone_sandbox(options.here);
  if (pid == 0) {
    ours.reset();
    become_own(theirs.get());
    run(theirs.get(), options.here ? Result<void>{} : furnish(options, user, group, own_user),
        *directory, body);
  }
  Sandbox sandbox(pid, std::move(ours), options.here ? *directory : "");
  if (pid < 0) {
    return refused(errno);
  }
  return sandbox;
}

Sandbox::Sandbox(Sandbox&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      pipe_(std::move(other.pipe_)),
      directory_(std::exchange(other.directory_, "")),
      unread_(std::move(other.unread_)) {}

Sandbox::~Sandbox() { end(); }

void Sandbox::end() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);   // the first process of its namespace takes all others with it
    ::kill(-pid_, SIGKILL);  // with `here`: its group, which its servers have not left
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  if (!directory_.empty()) {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
}

std::optional<Result<Json>> Sandbox::read(const Tell& tell) {
  std::array<char, 65536> block;
  const ssize_t bytes = ::read(pipe_.get(), block.data(), block.size());
  if (bytes <= 0) {
    return fail("the experiment's process ended before its time");
  }
  unread_.append(block.data(), static_cast<std::size_t>(bytes));
  for (std::size_t end = 0; (end = unread_.find('\n')) != std::string::npos;) {
    Json line = Json::parse(unread_.begin(), unread_.begin() + static_cast<std::ptrdiff_t>(end),
                            nullptr, false);
    unread_.erase(0, end + 1);
    if (line.contains("result")) {
      return std::move(line["result"]);
    }
    if (line.contains("error")) {
      return fail(line["error"].get<std::string>());
    }
    if (line.contains("told")) {
      tell(line["told"].get<std::string>());
    }
  }
  return std::nullopt;
}

}  // namespace forebay::lab
