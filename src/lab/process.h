#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace forebay::lab {

struct Command {
  std::string name;  // for messages
  std::vector<std::string> words;
  std::string log;                       // file for stdout and stderr
  std::string input;                     // file for stdin; empty: none
  std::vector<std::string> environment;  // NAME=VALUE, beside ours
};

/// A process that we started. It is killed with us, and by the destructor; what it has started is
/// the sandbox's to end.
class Process {
 public:
  /// Errors: no fork; the program is not there.
  static Result<Process> start(const Command& command);
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  ~Process() { kill(); }

  [[nodiscard]] pid_t pid() const { return pid_; }
  void signal(int number) const;
  /// Whether it runs. Once it does not, status() is known.
  bool running();
  /// The exit code, or 128 and the signal's number.
  [[nodiscard]] int status() const { return status_; }
  /// "gunicorn ended (status 1): LAST LINES OF ITS LOG".
  [[nodiscard]] Error ended() const;
  [[nodiscard]] Error trouble(const std::string& what) const;
  /// TERM, then after `patience` KILL.
  void stop(Duration patience);

 private:
  Process(pid_t pid, std::string name, std::string log)
      : pid_(pid), name_(std::move(name)), log_(std::move(log)) {}
  void kill();

  pid_t pid_;
  std::string name_;
  std::string log_;
  bool running_ = true;
  int status_ = 0;
};

/// The last lines of a file.
std::string tail(const std::string& path);

}  // namespace forebay::lab
