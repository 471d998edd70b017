#include "workers/zygote.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "base/crash_point.h"
#include "base/packet.h"
#include "base/pidfd.h"
#include "base/text.h"
#include "workers/tracebacks.h"

extern char** environ;

namespace forebay::workers {
namespace {

constexpr std::size_t kMessageMax = 256 * 1024;
/// Where the child finds its descriptors; above them nothing of ours is in the way.
constexpr int kFirstChildFd = 3;
constexpr int kAboveChildFds = 16;

Json options_message(const Options& options) {
  Json listeners = Json::array();
  for (const ListenerName& name : options.listeners) {
    listeners.push_back(
        {{"server_name", name.host}, {"server_port", name.port}, {"scheme", "http"}});
  }
  Json env = Json::object();
  for (const auto& [key, value] : options.env) {
    env[key] = value;
  }
  return {{"app", options.application},
          {"chdir", options.chdir.empty() ? Json(nullptr) : Json(options.chdir)},
          {"pythonpath", options.pythonpath},
          {"env", env},
          {"preload", options.preload},
          {"descriptors", options.descriptors},
          {"threads", options.threads},
          {"seats", options.seats()},
          {"traceback_bytes", Tracebacks::kPartBytes},
          {"listeners", listeners},
          {"version", FOREBAY_VERSION}};
}

/// Owns what posix_spawn needs.
struct SpawnPlan {
  SpawnPlan() {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
    sigset_t none;
    sigset_t all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setsigdefault(&attributes, &all);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  ~SpawnPlan() {
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
  }
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

/// Starts `arguments` with `fds` as descriptors 3, 4, ... Errors: errno of posix_spawn(3).
int spawn_process(const std::vector<std::string>& arguments, const std::vector<int>& fds,
                  pid_t& pid) {
  SpawnPlan plan;
  std::vector<Fd> copies;  // out of the way of the targets
  for (std::size_t i = 0; i < fds.size(); ++i) {
    copies.emplace_back(::fcntl(fds[i], F_DUPFD_CLOEXEC, kAboveChildFds));
    if (!copies.back()) {
      return errno;
    }
    ::posix_spawn_file_actions_adddup2(&plan.actions, copies.back().get(),
                                       kFirstChildFd + static_cast<int>(i));
  }
  std::vector<char*> argv;
  for (const std::string& argument : arguments) {
    argv.push_back(const_cast<char*>(argument.c_str()));
  }
  argv.push_back(nullptr);
  return ::posix_spawn(&pid, argv[0], &plan.actions, &plan.attributes, argv.data(), environ);
}

}  // namespace

Result<std::unique_ptr<Zygote>> Zygote::spawn(net::Loop& loop, const Options& options,
                                              const Inherited& inherited, Events events) {
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()) != 0) {
    return fail_errno("create a socket pair");
  }
  Fd ours(pair[0]);
  const Fd theirs(pair[1]);
  const std::vector<std::string> arguments{options.python, options.package,
                                           "--control",    "3",
                                           "--memfd",      "4",
                                           "--wake",       "5",
                                           "--life",       "6",
                                           "--tracebacks", "7"};
  pid_t pid = 0;
  const int status = spawn_process(
      arguments,
      {theirs.get(), inherited.memfd, inherited.wake, inherited.life, inherited.tracebacks}, pid);
  if (status != 0) {
    return fail(format("cannot start the Python interpreter {}: {}. Name another with --python",
                       options.python, std::strerror(status)));
  }
  Fd pidfd = open_pidfd(pid);
  if (!pidfd) {
    const auto failed = fail_errno("open a pidfd");
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return failed;
  }
  crash_point("front.zygote_spawned");
  ::fcntl(ours.get(), F_SETFL, O_NONBLOCK);
  std::unique_ptr<Zygote> zygote(
      new Zygote(loop, pid, std::move(pidfd), std::move(ours), std::move(events)));
  if (Result<void> sent = zygote->send(options_message(options)); !sent) {
    return std::unexpected(sent.error());
  }
  return zygote;
}

Zygote::Zygote(net::Loop& loop, pid_t pid, Fd pidfd, Fd control, Events events)
    : pid_(pid),
      pidfd_(std::move(pidfd)),
      control_(std::move(control)),
      events_(std::move(events)),
      control_watch_(std::in_place, loop, control_.get(), [this] { receive(); }),
      death_watch_(std::in_place, loop, pidfd_.get(), [this] { exited(); }) {}

Zygote::~Zygote() {
  if (!reaped_) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
}

Result<void> Zygote::send(const Json& message, int fd) {
  std::string text = dump(message);
  const iovec part{text.data(), text.size()};
  return send_packet(control_.get(), {&part, 1}, fd);
}

Result<void> Zygote::fork_worker(unsigned worker, const Fd& control) {
  return send({{"command", "fork"}, {"worker", worker}}, control.get());
}

void Zygote::quit() { (void)send({{"command", "quit"}}); }

void Zygote::kill() { send_signal(pidfd_, SIGKILL); }

void Zygote::show_traceback() { send_signal(pidfd_, Tracebacks::signal()); }

/// False: there is nothing more now.
bool Zygote::receive() {
  std::vector<char> buffer(kMessageMax);
  const iovec part{buffer.data(), buffer.size()};
  Result<std::optional<Packet>> packet = receive_packet(control_.get(), {&part, 1});
  if (packet && !*packet) {
    return false;
  }
  if (!packet || (*packet)->bytes == 0) {
    control_watch_.reset();  // the end stays readable; the pidfd tells
    return false;
  }
  const Json message = Json::parse(buffer.data(), buffer.data() + (*packet)->bytes, nullptr,
                                   /*allow_exceptions=*/false);
  if (!message.is_object()) {
    return true;
  }
  try {
    dispatch(message, std::move((*packet)->fd));
  } catch (const Json::exception& error) {
    events_.log(40, format("the zygote said what makes no sense: {}", error.what()));
  }
  return true;
}

void Zygote::dispatch(const Json& message, Fd fd) {
  const std::string event = message.value("event", "");
  if (event == "ready") {
    events_.ready();
  } else if (event == "born") {
    crash_point("front.before_birth");
    events_.born(message.value("worker", 0U), message.value("pid", 0), std::move(fd));
  } else if (event == "unborn") {
    events_.unborn(message.value("worker", 0U));
  } else if (event == "died") {
    events_.died(message.value("pid", 0), message.value("status", 0));
  } else if (event == "log") {
    events_.log(message.value("level", 20), message.value("text", ""));
  }
}

void Zygote::exited() {
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) {
    return;
  }
  reaped_ = true;
  while (receive()) {  // what it said last
  }
  const auto tell = events_.exited;  // may destroy this zygote
  tell(status);
}

}  // namespace forebay::workers
