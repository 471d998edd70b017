#include <cstdio>

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
};

int examine(const DoctorOptions& options) {
  const doctor::Host host = doctor::scan();
  if (options.json) {
    std::puts(dump(doctor::to_json(host), 2).c_str());
    return 0;
  }
  std::string text = doctor::socket_table(host, options.all);
  for (const std::string& what : host.unseen) {
    text += format("\nNot seen: {}", doctor::printable(what));
  }
  std::fputs((text + (host.unseen.empty() ? "" : "\n")).c_str(), stdout);
  return 0;
}

}  // namespace

int doctor_main(int argc, char** argv) {
  DoctorOptions options;
  CLI::App app("Shows where requests wait in this machine's kernel.", "forebay doctor");
  app.add_flag("--all", options.all, "Show every listening socket, not only the fullest");
  app.add_flag("--json", options.json, "Say it as JSON, for programs");
  if (const auto code = parse(app, argc, argv)) {
    return *code;
  }
  return examine(options);
}

}  // namespace forebay::cli
