#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/fd.h"
#include "base/text.h"
#include "cli/alarms.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "load/result_stream.h"

namespace forebay::cli {
namespace {

struct Options {
  std::string to = "json";
  std::string output = "stdout";
  std::vector<std::string> files{"stdin"};
};

bool is_stream(std::string_view path, std::string_view name) { return path == name || path == "-"; }

/// The hits of several files, one from each in turn.
class Inputs {
 public:
  static Result<Inputs> open(const std::vector<std::string>& files, Alarms& alarms) {
    Inputs inputs(alarms);
    for (const std::string& file : files) {
      auto reader = load::HitReader::open(file, alarms.fd());
      if (!reader) {
        return std::unexpected(reader.error());
      }
      inputs.readers_.push_back(std::move(*reader));
    }
    return inputs;
  }

  /// False: all files are over, or somebody wants us to stop.
  Result<bool> next(load::Hit& hit) {
    std::size_t over = 0;  // readers that had nothing, one after the other
    while (over < readers_.size() && !stopped_) {
      load::HitReader& reader = *readers_[turn_];
      Result<bool> found = reader.next(hit);
      const bool interrupted = found && !*found && look_for_alarm();
      if (interrupted) {
        continue;
      }
      turn_ = (turn_ + 1) % readers_.size();
      if (!found || *found) {
        return found;
      }
      ++over;
    }
    return false;
  }
  /// What the attack said of itself. There is room for one in a stream: several files have none.
  [[nodiscard]] load::Run run() const {
    const load::Run* run = readers_.size() == 1 ? readers_[0]->run() : nullptr;
    return run != nullptr ? *run : load::Run{};
  }

 private:
  explicit Inputs(Alarms& alarms) : alarms_(&alarms) {}
  bool look_for_alarm() {
    const Alarms::Taken taken = alarms_->take();
    stopped_ = stopped_ || taken.stop;
    return taken.any;
  }

  Alarms* alarms_;
  std::vector<std::unique_ptr<load::HitReader>> readers_;
  std::size_t turn_ = 0;
  bool stopped_ = false;
};

/// The file of -output, or stdout.
class Output {
 public:
  static Result<Output> open(const std::string& path, Alarms& alarms) {
    const bool standard = is_stream(path, "stdout");
    constexpr mode_t kMode = 0666;
    Fd file(standard ? ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)
                     : ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kMode));
    if (!file) {
      return fail_errno("open " + path);
    }
    return Output(std::move(file), standard ? "stdout" : path, alarms);
  }

  /// Where somebody reads along, each hit is written at once.
  [[nodiscard]] std::size_t batch_bytes() const { return regular_ ? kBatchBytes : 1; }
  /// False: somebody wants us to stop, and the reader of a pipe does not take what we have.
  Result<bool> write(std::string_view bytes) {
    while (!bytes.empty()) {
      if (!regular_ && !wait_for_room()) {
        return false;
      }
      // So much fits into a pipe that poll(2) has called writable, pipe(7).
      const ssize_t written =
          ::write(file_.get(), bytes.data(),
                  regular_ ? bytes.size() : std::min<std::size_t>(bytes.size(), PIPE_BUF));
      if (written < 0 && errno != EINTR && errno != EAGAIN) {
        return fail_errno("write " + name_);
      }
      bytes.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
    }
    return true;
  }
  /// Some file systems say only now that the disk is full, close(2).
  Result<void> close() {
    return ::close(file_.release()) == 0 ? Result<void>{} : fail_errno("write " + name_);
  }

 private:
  static constexpr std::size_t kBatchBytes = 64 * 1024;

  Output(Fd file, std::string name, Alarms& alarms)
      : file_(std::move(file)), name_(std::move(name)), alarms_(&alarms) {
    struct stat status{};
    regular_ = ::fstat(file_.get(), &status) == 0 && S_ISREG(status.st_mode);
  }
  [[nodiscard]] bool wait_for_room() {
    while (true) {
      std::array<pollfd, 2> descriptors{{{.fd = file_.get(), .events = POLLOUT, .revents = 0},
                                         {.fd = alarms_->fd(), .events = POLLIN, .revents = 0}}};
      if (::poll(descriptors.data(), descriptors.size(), -1) < 0 || descriptors[0].revents != 0) {
        return true;  // write(2) will say what is wrong
      }
      if (alarms_->take().stop) {
        return false;
      }
    }
  }

  Fd file_;
  std::string name_;
  Alarms* alarms_;
  bool regular_ = false;
};

/// Everything up to the end, or until somebody wants us to stop. What was read before an error is
/// written.
Result<void> copy(Inputs& inputs, load::HitWriter& writer, Output& output) {
  load::Hit hit;
  std::string out;
  Result<bool> found = inputs.next(hit);
  writer.begin(inputs.run(), out);
  for (; found && *found; found = inputs.next(hit)) {
    writer.write(hit, out);
    if (out.size() >= output.batch_bytes()) {
      const Result<bool> written = output.write(std::exchange(out, {}));
      if (!written) {
        return std::unexpected(written.error());
      }
      if (!*written) {
        return {};
      }
    }
  }
  if (found) {
    writer.end(inputs.run(), out);
  }
  const Result<bool> written = output.write(out);
  if (!written || !found) {
    return std::unexpected(written ? found.error() : written.error());
  }
  return output.close();
}

Result<void> encode(const Options& options) {
  const Result<load::Encoding> encoding = load::parse_encoding(options.to);
  if (!encoding) {
    return std::unexpected(encoding.error());
  }
  Alarms alarms(std::nullopt);
  Result<Inputs> inputs = Inputs::open(options.files, alarms);
  if (!inputs) {
    return std::unexpected(inputs.error());
  }
  for (const std::string& file : options.files) {
    std::error_code missing;
    if (!is_stream(file, "stdin") && std::filesystem::equivalent(file, options.output, missing)) {
      return fail(
          format("{} would be overwritten before it is read: choose another -output", file));
    }
  }
  Result<Output> output = Output::open(options.output, alarms);
  if (!output) {
    return std::unexpected(output.error());
  }
  return copy(*inputs, *load::HitWriter::make(*encoding), *output);
}

}  // namespace

int encode_main(int argc, char** argv) {
  Options options;
  CLI::App app("Writes the results of attacks in another encoding.", "forebay encode");
  app.add_option("--to", options.to, "json, csv, gob (these three are vegeta's) or binary")
      ->type_name("ENCODING")
      ->capture_default_str();
  app.add_option("--output", options.output, "File for the results")
      ->type_name("FILE")
      ->capture_default_str();
  app.add_option("files", options.files, "Results of attacks, in any encoding")
      ->type_name("FILE")
      ->capture_default_str();
  app.footer(
      "Columns of csv, without a header: time (Unix, ns), status, latency (ns), bytes out, bytes "
      "in, "
      "error, body (base64), name of the attack, number of the hit, method, URL, headers "
      "(base64).");
  if (const auto code = parse_go_style(app, argc, argv)) {
    return *code;
  }
  ::signal(SIGPIPE, SIG_IGN);
  const Result<void> done = encode(options);
  if (!done) {
    std::fputs(format("forebay encode: {}\n", done.error().message).c_str(), stderr);
    return 1;
  }
  return 0;
}

}  // namespace forebay::cli
