#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <string_view>

#include "base/text.h"
#include "cli/commands.h"

namespace forebay::cli {
namespace {

struct Command {
  std::string_view name;
  std::string_view purpose;
  /// argv[0] is the command's name. Returns the exit code.
  int (*main)(int argc, char** argv);
};

constexpr std::array kCommands{
    Command{"serve", "Serve a WSGI application", serve_main},
    Command{"report", "Say what the results of attacks are", report_main},
    Command{"plot", "Show the results of attacks over time, on one HTML page", plot_main},
    Command{"encode", "Write the results of attacks in another encoding", encode_main},
    Command{"doctor", "Find where requests wait and are lost on this machine", doctor_main},
    Command{"attack", "Load at an exact rate, measured honestly", attack_main},
    Command{"lab", "Make the failures of the usual stack, and Forebay beside it", lab_main},
};

std::string help() {
  std::string text =
      "An application server for Python web apps, with the queue in plain sight.\n"
      "Usage: forebay COMMAND [OPTIONS]\n\nCommands:\n";
  for (const Command& command : kCommands) {
    text += format("  {:<10}{}\n", command.name, command.purpose);
  }
  return text += "\n`forebay COMMAND --help` explains each. Options: -h, --help; -v, --version\n";
}

std::string names() {
  std::string text;
  for (const Command& command : kCommands) {
    text.append(text.empty() ? "" : ", ").append(command.name);
  }
  return text;
}

/// vegeta's options stand before the command as well: `-cpus=2 attack` is `attack -cpus=2`.
void put_command_first(int argc, char** argv) {
  int command = 1;
  while (command < argc && argv[command][0] == '-') {
    const bool has_value = std::string_view(argv[command]).contains('=');
    command += has_value ? 1 : 2;
  }
  if (command < argc) {
    std::rotate(argv + 1, argv + command, argv + command + 1);
  }
}

/// Whoever started us may have closed stdin, stdout or stderr. The next file that is opened would
/// get its number, and with it what is meant for the other: a log line in a client's connection.
void fill_standard_descriptors() {
  int fd = 0;
  while (fd >= 0 && fd <= STDERR_FILENO) {
    fd = ::open("/dev/null", O_RDWR);
  }
  ::close(fd);
}

int run(int argc, char** argv) {
  fill_standard_descriptors();
  const std::string_view word = argc > 1 ? argv[1] : "";
  if (word == "-h" || word == "--help" || word == "help") {
    std::fputs(help().c_str(), stdout);
    return 0;
  }
  if (word == "-v" || word == "--version" || word == "-version") {
    std::puts("forebay " FOREBAY_VERSION);
    return 0;
  }
  put_command_first(argc, argv);
  const auto* command =
      std::ranges::find(kCommands, std::string_view(argc > 1 ? argv[1] : ""), &Command::name);
  if (command != kCommands.end()) {
    return command->main(argc - 1, argv + 1);
  }
  if (word.empty()) {
    std::fputs(help().c_str(), stderr);
  } else {
    const std::string message =
        format("forebay: '{}' is no command; there is: {}\n", word, names());
    std::fputs(message.c_str(), stderr);
  }
  return 2;
}

/// The exit code: whoever reads only half of a report must not take it for the whole.
int finish(int code) {
  const bool flushed = std::fflush(stdout) == 0;
  if (code != 0 || (flushed && std::ferror(stdout) == 0)) {
    return code;
  }
  std::fputs("forebay: not all could be written: the disk is full, or the reader is gone\n",
             stderr);
  return 2;
}

}  // namespace
}  // namespace forebay::cli

int main(int argc, char** argv) { return forebay::cli::finish(forebay::cli::run(argc, argv)); }
