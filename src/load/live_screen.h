#pragma once

#include <cstddef>

#include "base/clock.h"
#include "load/live_view.h"

namespace forebay::load {

/// Shows figures while an attack runs: on a terminal in place, elsewhere as a plain line now and
/// then. Colours only on a terminal, and not with NO_COLOR (no-color.org) or TERM=dumb. What cannot
/// be written at once elsewhere is left out: nobody waits for a log. One thread.
class LiveScreen {
 public:
  static constexpr Duration kRedrawEvery = std::chrono::milliseconds(200);
  static constexpr Duration kLineEvery = std::chrono::seconds(5);

  /// `file` stays the caller's.
  explicit LiveScreen(int file);

  /// Whether it is time for show().
  [[nodiscard]] bool due(Duration elapsed) const { return elapsed >= next_; }
  void show(const LiveFigures& figures);

  [[nodiscard]] bool terminal() const { return terminal_; }

 private:
  void write(std::string_view text) const;
  [[nodiscard]] TerminalSize size() const;

  int file_;
  bool terminal_;
  bool colours_;
  Duration next_;
  std::size_t rows_ = 0;  // that the last picture took
};

}  // namespace forebay::load
