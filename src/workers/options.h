#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "channel/layout.h"

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
  unsigned workers = 1;     // at the start; TTIN and TTOU change the number
  unsigned threads = 1;
  bool preload = false;
  std::string chdir;  // "" = stay
  std::vector<std::string> pythonpath;
  std::vector<std::pair<std::string, std::string>> env;
  std::vector<ListenerName> listeners;
  std::uint64_t descriptors = 0;                      // its soft limit; 0: as ours
  Duration timeout = std::chrono::seconds(30);        // of one request; zero: none
  Duration boot_timeout = std::chrono::seconds(120);  // to load the application; zero: none
  Duration graceful_timeout = std::chrono::seconds(30);
  unsigned max_requests = 0;            // of one worker, then it is replaced; 0: no limit
  unsigned max_requests_jitter = 0;     // 0 to so many more, drawn for each worker
  std::uint64_t worker_memory_max = 0;  // resident bytes, beyond it is replaced; 0: no limit

  [[nodiscard]] unsigned servers() const { return workers * threads; }
  /// Places for worker processes in a generation: room for TTIN, and for those that are on their
  /// way in while those that they replace are on their way out.
  [[nodiscard]] unsigned seats() const {
    return std::min(2 * workers + 2, channel::kMaxServers / threads);
  }
  /// How many workers TTIN can ask for: all seats but one, in which to replace the others.
  [[nodiscard]] unsigned workers_max() const { return std::max(workers, seats() - 1); }
};

}  // namespace forebay::workers
