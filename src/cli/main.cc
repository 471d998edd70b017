#include <cstdio>
#include <string_view>

#include <CLI/CLI.hpp>

#include "cli/serve.h"

int main(int argc, char** argv) {
  CLI::App app("An application server for Python web apps, with the queue in plain sight.",
               "forebay");
  app.set_version_flag("-v,--version", std::string("forebay ") + FOREBAY_VERSION);
  app.require_subcommand(1);
  app.failure_message(CLI::FailureMessage::simple);

  forebay::cli::ServeOptions options;
  CLI::App* serve = app.add_subcommand("serve", "Serve a WSGI application");
  serve->footer(
      "Examples:\n"
      "  forebay serve mysite.wsgi -w 4\n"
      "  forebay serve app:application -b 0.0.0.0:8000 -b unix:/run/app.sock --threads 4\n"
      "  forebay serve 'app:create_app()' --admin unix:/run/forebay.sock --max-wait 20s\n"
      "Signals: TERM finishes what is queued and running, INT and QUIT stop now, HUP loads the\n"
      "application anew while the queue waits.");
  forebay::cli::add_serve_options(*serve, options);

  if (argc > 1 && argv[1][0] != '-' && std::string_view(argv[1]) != "serve") {
    std::fprintf(stderr, "forebay: '%s' is no command; there is: serve\n", argv[1]);
    return 2;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int status = app.exit(error);
    return status == 0 ? 0 : 2;
  }
  return forebay::cli::serve(std::move(options));
}
