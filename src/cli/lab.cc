#include "lab/lab.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/fd.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/add_option.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/lab_progress.h"
#include "doctor/proc.h"
#include "lab/lab_page.h"
#include "lab/report.h"
#include "load/page.h"

namespace forebay::cli {
namespace {

enum ExitCode : int { kKept = 0, kBroken = 1, kImpossible = 2, kUnclear = 3 };

struct LabOptions {
  std::string experiment;
  lab::Options lab;
  std::string nginx;
  std::string gunicorn;
  std::string json;
  std::string html;
};

constexpr const char* kPurpose =
    "Makes the failures of the usual stack on this machine, and Forebay beside it: real nginx and\n"
    "gunicorn, real load, every queue looked at. Each run has namespaces of its own: nothing of\n"
    "this machine's settings is touched, nothing is left behind.";

std::string footer() {
  std::string text = "Experiments:\n";
  for (const lab::Kind& kind : lab::kKinds) {
    text += format("  {:<14}{}\n", kind.name, kind.purpose);
  }
  return text +
         "  all           each of them\n"
         "  list          says their names\n"
         "Examples:\n"
         "  forebay lab burst                      2 s of work for each request, as in real life\n"
         "  forebay lab burst --quick              a tenth of that\n"
         "  forebay lab burst --workers 4 --rate 100 --json burst.json\n"
         "Exit codes: 0 Forebay kept its promises; 1 it did not; 2 arguments that make no sense, "
         "or "
         "this\nmachine does not permit it; 3 this machine was too busy to tell: again, when it is "
         "idle.";
}

Result<double> parse_seconds(std::string_view text) {
  const Result<Duration> duration = parse_positive_duration(text);
  return duration ? Result<double>(to_seconds(*duration)) : std::unexpected(duration.error());
}

/// Empty, or what is wrong with the name.
std::string check_name(const std::string& text) {
  const bool known = text == "list" || text == "all" ||
                     std::ranges::find(lab::kKinds, text, &lab::Kind::name) != lab::kKinds.end();
  return known ? "" : format("'{}' is no experiment; `forebay lab list` names them", text);
}

void declare(CLI::App& app, LabOptions& o) {
  app.footer(footer());
  app.add_option("experiment", o.experiment, "Which, or all, or list")
      ->check(check_name)
      ->type_name("NAME")
      ->required();
  app.add_flag("--quick", o.lab.quick, "Scaled down: seconds instead of minutes");
  app.add_option("--only", o.lab.only, "Only this one: forebay, classic, haproxy or gunicorn")
      ->check(CLI::IsMember({"forebay", "classic", "haproxy", "gunicorn"}).description(""))
      ->type_name("STACK");
  app.add_flag("--here", o.lab.here,
               "No namespaces: inside a container. net.core.somaxconn stays what it is; kill -9 of "
               "the lab leaves a directory of its in /tmp, and nginx's workers");
  app.add_option("--json", o.json, "Write everything there, as JSON; - is stdout")
      ->type_name("FILE");
  app.add_option("--html", o.html, "Write one page with the charts there; - is stdout")
      ->type_name("FILE");
  app.add_option("--gunicorn", o.gunicorn, "Where it is; else of the virtualenv, or of PATH")
      ->type_name("PATH");
  app.add_option("--nginx", o.nginx, "Where it is; else of PATH")->type_name("PATH");
  const auto number = [&](const char* flag, std::optional<unsigned>& target, const char* help) {
    app.add_option(flag, target, help)
        ->check(CLI::Range(1U, 65'535U).description(""))
        ->type_name("N")
        ->group("What differs from the experiment's own");
  };
  number("--workers", o.lab.workers, "Of each server");
  number("--somaxconn", o.lab.somaxconn, "net.core.somaxconn");
  number("--backlog", o.lab.backlog, "That gunicorn and nginx ask listen() for");
  app.add_option("--rate", o.lab.rate, "Requests per second")
      ->check(CLI::Range(0.1, 100'000.0).description(""))
      ->type_name("N")
      ->group("What differs from the experiment's own");
  for (auto [flag, target, help] :
       {std::tuple("--service", &o.lab.service, "That the application takes for a request"),
        {"--duration", &o.lab.duration, "Of the load"}}) {
    add_parsed(app, flag, *target, parse_seconds, help, "TIME", "")
        ->group("What differs from the experiment's own");
  }
}

/// INT, QUIT, TERM, HUP, and PIPE of a reader that is gone, as a descriptor, from now on.
class StopSignals {
 public:
  StopSignals() {
    sigset_t signals;
    ::sigemptyset(&signals);
    for (const int number : {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGPIPE}) {
      ::sigaddset(&signals, number);
    }
    ::sigprocmask(SIG_BLOCK, &signals, nullptr);
    fd_.reset(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  }
  [[nodiscard]] int fd() const { return fd_.get(); }
  /// The one that came, or 0.
  [[nodiscard]] int take() const {
    signalfd_siginfo info{};
    return ::read(fd_.get(), &info, sizeof(info)) == sizeof(info) ? static_cast<int>(info.ssi_signo)
                                                                  : 0;
  }

 private:
  Fd fd_;
};

/// The file of --json or --html, opened before anything is done.
class OutputFile {
 public:
  /// Errors: it cannot be opened.
  static Result<OutputFile> open(const std::string& path) {
    OutputFile file;
    file.path_ = path;
    if (path == "-") {
      file.fd_.reset(::dup(STDOUT_FILENO));
    } else if (!path.empty()) {
      file.fd_.reset(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
    }
    return path.empty() || file.fd_ ? Result<OutputFile>(std::move(file))
                                    : fail_errno("open " + path);
  }
  [[nodiscard]] bool wanted() const { return static_cast<bool>(fd_); }
  /// Errors: the disk is full, the reader gone.
  [[nodiscard]] Result<void> write(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t bytes = ::write(fd_.get(), text.data(), text.size());
      if (bytes < 0) {
        return fail_errno("write " + path_);
      }
      text.remove_prefix(static_cast<std::size_t>(bytes));
    }
    return {};
  }

 private:
  std::string path_;
  Fd fd_;
};

bool colors() { return ::isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr; }

/// Those that were made, said one by one.
Result<std::vector<lab::Experiment>> make(const lab::Lab& lab, const LabOptions& options,
                                          LabProgress& progress) {
  std::vector<lab::Experiment> made;
  for (const lab::Kind& kind : lab::kKinds) {
    if (options.experiment != "all" && options.experiment != kind.name) {
      continue;
    }
    progress.plan(format("{}: {}", kind.name, kind.purpose));
    Result<lab::Experiment> experiment = kind.make(lab);
    progress.clear();
    if (!experiment) {
      return std::unexpected(experiment.error());
    }
    experiment->missing = how_to_install(lab.programs);
    if (options.json != "-" && options.html != "-") {
      std::fputs(lab::report(*experiment, colors()).c_str(), stdout);
      std::fflush(stdout);
    }
    made.push_back(std::move(*experiment));
  }
  return made;
}

/// With --here, net.core.somaxconn is what it is. Errors: something else was asked for.
Result<lab::Options> settled(lab::Options options) {
  if (!options.here) {
    return options;
  }
  if (options.somaxconn) {
    return fail("--here leaves net.core.somaxconn as it is: without --somaxconn, please");
  }
  if (const auto own = doctor::read_number("/proc/sys/net/core/somaxconn")) {
    options.somaxconn = static_cast<unsigned>(*own);
  }
  return options;
}

Result<int> run(const LabOptions& options, const StopSignals& signals) {
  const Result<lab::Options> lab_options = settled(options.lab);
  if (!lab_options) {
    return std::unexpected(lab_options.error());
  }
  auto programs = lab::find_programs(options.nginx, options.gunicorn);
  if (!programs) {
    return std::unexpected(programs.error());
  }
  if (options.json == "-" && options.html == "-") {
    return fail("--json and --html cannot both go to stdout: name a file for one of them");
  }
  const Result<OutputFile> json = OutputFile::open(options.json);
  const Result<OutputFile> html = OutputFile::open(options.html);
  if (!json || !html) {
    return std::unexpected(json ? html.error() : json.error());
  }
  LabProgress progress;
  const lab::Lab lab{.programs = std::move(*programs),
                     .options = *lab_options,
                     .progress = progress,
                     .stop = signals.fd()};
  const auto made = make(lab, options, progress);
  if (!made) {
    return std::unexpected(made.error());
  }
  Result<void> written;
  if (json->wanted()) {
    written = json->write(dump({{"forebay", FOREBAY_VERSION}, {"experiments", *made}}, 2) + "\n");
  }
  if (written && html->wanted()) {
    written = html->write(load::html(lab::page(*made)));
  }
  if (!written) {
    return std::unexpected(written.error());
  }
  if (std::ranges::any_of(*made, &lab::Experiment::broken)) {
    return kBroken;
  }
  return std::ranges::all_of(*made, &lab::Experiment::kept) ? kKept : kUnclear;
}

int list() {
  for (const lab::Kind& kind : lab::kKinds) {
    std::fputs(format("{:<14}{}\n", kind.name, kind.purpose).c_str(), stdout);
  }
  return kKept;
}

}  // namespace

int lab_main(int argc, char** argv) {
  LabOptions options;
  CLI::App app(kPurpose, "forebay lab");
  declare(app, options);
  if (const auto code = parse(app, argc, argv)) {
    return *code;
  }
  if (options.experiment == "list") {
    return list();
  }
  const StopSignals signals;
  const Result<int> code = run(options, signals);
  if (const int number = signals.take(); number != 0) {
    std::fputs("forebay lab: interrupted; nothing is left of it\n", stderr);
    return 128 + number;
  }
  if (!code) {
    std::fputs(format("forebay lab: {}\n", code.error().message).c_str(), stderr);
    return kImpossible;
  }
  return *code;
}

}  // namespace forebay::cli
