#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace forebay::doctor {

/// What gunicorn was told, as far as the doctor needs it; defaults are gunicorn's.
struct GunicornConfig {
  std::uint32_t backlog = 2048;
  std::string backlog_where = "gunicorn's default";
  double timeout_seconds = 30;
  std::string worker_class = "sync";
  unsigned threads = 1;
  std::string config_path;  // -c, "" if not given
  std::string directory;    // --chdir
  std::vector<std::string> unseen;

  /// Requests that one worker runs at once; 0: asynchronous.
  [[nodiscard]] unsigned requests_per_worker() const;
};

/// Takes over the options of a command line that matter here; others are passed by.
void read_gunicorn_options(const std::vector<std::string>& words, GunicornConfig& config);

/// The config file is Python, which is never run: only lines like `backlog = 64` or `threads = '4'`
/// are read. What is set in another way is said in `unseen`.
void read_gunicorn_file(std::string_view text, const std::string& path, GunicornConfig& config);

}  // namespace forebay::doctor
