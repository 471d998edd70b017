#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "lab/peers.h"
#include "lab/process.h"
#include "lab/result.h"

namespace forebay::lab {

/// Servers that answer together.
enum class StackKind : std::uint8_t { kClassic, kForebay, kHaproxy, kGunicorn };

/// "classic", "forebay", "haproxy", "gunicorn".
std::string_view word(StackKind kind);
/// "nginx + gunicorn", "Forebay", "HAProxy + gunicorn", "gunicorn".
std::string_view title(StackKind kind);
/// Whether all that it consists of is there.
bool available(StackKind kind, const Programs& programs);

/// What the lab's application wrote down, each by its time since the Unix epoch in seconds.
struct Journal {
  struct Entry {
    double at = 0;
    int pid = 0;
    std::string target;
  };
  std::vector<Entry> booted;  // workers
  std::vector<Entry> started;
  std::vector<Entry> finished;
};

/// Servers with the lab's application, running in a directory. The application takes
/// `settings.service` for each request, or as long as its query says (?2.5), then answers 200.
class Stack {
 public:
  /// Comes back when every worker has loaded the application. Errors: a server that does not start,
  /// with the end of its log.
  static Result<Stack> start(StackKind kind, const Settings& settings, const Programs& programs,
                             const std::string& directory);

  [[nodiscard]] StackKind kind() const { return kind_; }
  [[nodiscard]] const Settings& settings() const { return settings_; }
  [[nodiscard]] const std::string& directory() const { return directory_; }
  /// Where clients come in: 127.0.0.1 and this port.
  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// Its listening sockets: address, as in doctor/sockets.h, and the server's name.
  [[nodiscard]] const std::map<std::string, std::string>& sockets() const { return sockets_; }
  /// Forebay's --admin; empty for others.
  [[nodiscard]] const std::string& admin() const { return admin_; }
  /// The server that runs the application: gunicorn's master, Forebay's front.
  [[nodiscard]] Process& server() { return processes_.front(); }
  [[nodiscard]] Journal journal() const;
  /// Errors: a server has ended.
  Result<void> check();
  /// The end of the log of the one in front: nginx, HAProxy, or the server.
  [[nodiscard]] std::string front_log() const;

 private:
  Stack(StackKind kind, Settings settings, std::string directory)
      : kind_(kind), settings_(std::move(settings)), directory_(std::move(directory)) {}
  Result<void> launch(const Programs& programs);
  Result<void> launch_forebay(const Programs& programs);
  Result<void> launch_gunicorn(const Programs& programs);
  Result<void> launch_nginx(const Programs& programs);
  Result<void> launch_haproxy(const Programs& programs);
  Result<void> run(const std::string& name, std::vector<std::string> words);
  Result<void> wait_until_ready();
  [[nodiscard]] bool ready() const;
  [[nodiscard]] std::string path(std::string_view name) const;
  [[nodiscard]] std::string server_address() const;  // "unix:PATH" or "127.0.0.1:PORT"

  StackKind kind_;
  Settings settings_;
  std::string directory_;
  std::uint16_t port_ = 0;
  std::uint16_t server_port_ = 0;  // with settings.tcp
  std::map<std::string, std::string> sockets_;
  std::string admin_;
  std::vector<std::string> logs_;
  std::vector<Process> processes_;
};

}  // namespace forebay::lab
