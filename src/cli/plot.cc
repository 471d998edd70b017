#include "load/plot.h"

#include <cstdio>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/result.h"
#include "base/text.h"
#include "cli/add_option.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "load/result_stream.h"

namespace forebay::cli {
namespace {

struct Options {
  load::PlotOptions plot;
  std::string output = "stdout";
  std::vector<std::string> files{"stdin"};
};

void declare(CLI::App& app, Options& options) {
  app.add_option("--title", options.plot.title, "Title of the page")->capture_default_str();
  add_count(app, "--threshold", options.plot.threshold, load::kThresholdMin, kMany,
            "Most points of a series; of more, those are shown that keep its shape and its peaks");
  app.add_option("--output", options.output, "File for the page")->capture_default_str();
  app.add_option("FILES", options.files, "Results of attacks, in any encoding")
      ->capture_default_str();
}

Result<void> read(const std::string& file, load::Plot& plot) {
  const auto reader = load::HitReader::open(file);
  if (!reader) {
    return std::unexpected(reader.error());
  }
  load::Hit hit;
  while (true) {
    const Result<bool> more = (*reader)->next(hit);
    if (!more) {
      return std::unexpected(more.error());
    }
    if (!*more) {
      break;
    }
    plot.add(hit);
  }
  if (const load::Run* run = (*reader)->run()) {
    plot.add(*run);
  }
  return {};
}

Result<void> write(const std::string& page, const std::string& output) {
  std::FILE* file = output == "stdout" || output == "-" ? stdout : std::fopen(output.c_str(), "we");
  if (file == nullptr) {
    return fail_errno(format("open {} for the page", output));
  }
  const bool written =
      std::fwrite(page.data(), 1, page.size(), file) == page.size() && std::fflush(file) == 0;
  const int code = errno;
  if (file != stdout) {
    std::fclose(file);
  }
  return written ? Result<void>{} : fail_errno(format("write the page to {}", output), code);
}

int give_up(const Error& error) {
  std::fprintf(stderr, "forebay plot: %s\n", error.message.c_str());
  return 1;
}

}  // namespace

int plot_main(int argc, char** argv) {
  Options options;
  CLI::App app("One HTML page that shows the results of attacks over time", "forebay plot");
  declare(app, options);
  if (const auto code = parse_go_style(app, argc, argv)) {
    return *code;
  }
  load::Plot plot(options.plot);
  for (const std::string& file : options.files) {
    if (const Result<void> done = read(file, plot); !done) {
      return give_up(done.error());
    }
  }
  const Result<void> done = write(html(std::move(plot).page()), options.output);
  return done ? 0 : give_up(done.error());
}

}  // namespace forebay::cli
