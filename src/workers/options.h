#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace forebay::workers {

/// What the application is told about a listener.
struct ListenerName {
  std::string host;  // SERVER_NAME, never empty
  std::string port;  // SERVER_PORT, never empty
};

/// How to run the application.
struct Options {
  std::string application;  // module, module:name, module:factory()
  std::string python;       // path of the interpreter
  std::string package;      // directory of the forebay package
  unsigned workers = 1;
  unsigned threads = 1;
  bool preload = false;
  std::string chdir;  // "" = stay
  std::vector<std::string> pythonpath;
  std::vector<std::pair<std::string, std::string>> env;
  std::vector<ListenerName> listeners;
  std::uint64_t descriptors = 0;                // its soft limit; 0: as ours
  Duration timeout = std::chrono::seconds(30);  // of one request; zero: none
  Duration graceful_timeout = std::chrono::seconds(30);

  [[nodiscard]] unsigned servers() const { return workers * threads; }
};

}  // namespace forebay::workers
