#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include <CLI/CLI.hpp>

#include "base/text.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "doctor/json_report.h"
#include "doctor/report.h"
#include "doctor/scan.h"

namespace forebay::cli {
namespace {

struct DoctorOptions {
  bool all = false;
  bool json = false;
  bool exit_code = false;
  bool own_network = false;
};

constexpr const char* kPurpose =
    "Finds where requests wait and are lost on this machine: reads the queues of all listening\n"
    "sockets in the kernel, knows nginx, gunicorn, uWSGI and Forebay, and says what is wrong,\n"
    "what users see of it, and what to do. It changes nothing.";
constexpr const char* kExitCodes =
    "Exit code: 0; with --exit-code 1 if there is a warning, 2 if anything is critical. Notes do "
    "not count.";

doctor::Colors colors() {
  const bool wanted = ::isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
  return wanted ? doctor::Colors::terminal() : doctor::Colors::none();
}

int exit_code(const std::vector<doctor::Finding>& findings, const DoctorOptions& options) {
  if (!options.exit_code || findings.empty()) {
    return 0;
  }
  return static_cast<int>(findings.front().severity);
}

int examine(const DoctorOptions& options) {
  const doctor::Host host =
      doctor::scan(options.own_network ? doctor::Networks::kOwn : doctor::Networks::kAll);
  const std::vector<doctor::Finding> findings = doctor::diagnose(host);
  if (options.json) {
    std::puts(dump(doctor::to_json(host, findings), 2).c_str());
    return exit_code(findings, options);
  }
  const std::string unseen = doctor::unseen_text(host);
  const std::string text =
      format("{}\n{}{}{}", doctor::socket_table(host, options.all),
             doctor::findings_text(findings, colors()), unseen.empty() ? "" : "\n", unseen);
  std::fputs(text.c_str(), stdout);
  return exit_code(findings, options);
}

}  // namespace

int doctor_main(int argc, char** argv) {
  DoctorOptions options;
  CLI::App app(kPurpose, "forebay doctor");
  app.footer(kExitCodes);
  app.add_flag("--all", options.all, "Show every listening socket, not only the fullest");
  app.add_flag("--json", options.json, "Say it as JSON, for programs");
  app.add_flag("--exit-code", options.exit_code, "Say by the exit code how bad it is");
  app.add_flag("--own-network", options.own_network,
               "Leave out other network namespaces, as those of containers");
  if (const auto code = parse(app, argc, argv)) {
    return *code;
  }
  return examine(options);
}

}  // namespace forebay::cli
