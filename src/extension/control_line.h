#pragma once

#include <atomic>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "channel/control.h"

namespace forebay::extension {

/// The worker's control socket, shared by its threads. Every method is called with the GIL in hand
/// and lets it go while it talks. Errors are not reported: without the front this process ends.
class ControlLine {
 public:
  explicit ControlLine(Fd socket) : socket_(std::move(socket)) {}

  /// The application is loaded.
  void send_ready();
  /// A line for the error log. Level 0: as it is, else Python's numbers.
  void log(int level, std::string_view text);
  /// The same, the first time that it is said in this process.
  void log_once(int level, const std::string& text);
  /// The file of the kFile record that follows.
  void send_file(channel::Ticket ticket, int fd);
  /// The body of a request that travels as a file. Nothing: the request is gone.
  [[nodiscard]] Fd fetch_body(channel::Ticket ticket);

  /// This process turns out to be a fork that the application made: responses are not its to write.
  void disown() { disowned_ = true; }
  [[nodiscard]] bool is_disowned() const { return disowned_; }

 private:
  static constexpr std::size_t kSaidMax = 64;

  void send(const channel::ControlHeader& header, std::string_view text, int fd);

  Fd socket_;
  std::set<std::string> said_;
  std::atomic<bool> disowned_ = false;
  std::mutex asking_;  // one question and its answer at a time; never taken with the GIL in hand
};

}  // namespace forebay::extension
