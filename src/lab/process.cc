#include "lab/process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <thread>
#include <utility>

#include "base/fd.h"
#include "base/text.h"

namespace forebay::lab {
namespace {

constexpr Duration kGlance = std::chrono::milliseconds(5);
constexpr std::size_t kTailBytes = 1500;

/// In the child. Only returns if there is no such program.
void become(const Command& command, const std::vector<char*>& words, int in, int log) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::signal(SIGPIPE, SIG_DFL);
  for (const std::string& variable : command.environment) {
    const std::size_t equals = variable.find('=');
    ::setenv(variable.substr(0, equals).c_str(), variable.substr(equals + 1).c_str(), 1);
  }
  ::dup2(in, STDIN_FILENO);
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  ::execvp(words.front(), words.data());
}

}  // namespace

Result<Process> Process::start(const Command& command) {
  const std::string& in_path = command.input.empty() ? "/dev/null" : command.input;
  const Fd in(::open(in_path.c_str(), O_RDONLY | O_CLOEXEC));
  const Fd log(::open(command.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!in || !log) {
    return fail_errno(format("open {}", in ? command.log : in_path));
  }
  std::vector<char*> words;
  for (const std::string& word : command.words) {
    words.push_back(const_cast<char*>(word.c_str()));
  }
  words.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) {
    return fail_errno("fork");
  }
  if (pid == 0) {
    become(command, words, in.get(), log.get());
    const std::string why = format("cannot run {}: {}\n", words.front(), std::strerror(errno));
    std::fputs(why.c_str(), stderr);
    ::_exit(127);
  }
  return Process(pid, command.name, command.log);
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      name_(std::move(other.name_)),
      log_(std::move(other.log_)),
      running_(other.running_),
      status_(other.status_) {}

Process& Process::operator=(Process&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(name_, other.name_);
  std::swap(log_, other.log_);
  std::swap(running_, other.running_);
  std::swap(status_, other.status_);
  return *this;
}

void Process::signal(int number) const { ::kill(pid_, number); }

bool Process::running() {
  int status = 0;
  if (running_ && ::waitpid(pid_, &status, WNOHANG) == pid_) {
    running_ = false;
    status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  return running_;
}

Error Process::ended() const { return trouble(format("ended (status {})", status_)); }

Error Process::trouble(const std::string& what) const {
  return {format("{} {}:\n{}", name_, what, tail(log_))};
}

void Process::stop(Duration patience) {
  signal(SIGTERM);
  const TimePoint deadline = Clock::now() + patience;
  while (running() && Clock::now() < deadline) {
    std::this_thread::sleep_for(kGlance);
  }
  kill();
}

void Process::kill() {
  if (pid_ <= 0 || !running()) {
    return;
  }
  ::kill(pid_, SIGKILL);
  while (running()) {
    std::this_thread::sleep_for(kGlance);
  }
}

std::string tail(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (text.size() > kTailBytes) {
    text.erase(0, text.find('\n', text.size() - kTailBytes) + 1);
  }
  return text;
}

}  // namespace forebay::lab
