#include "load/live_screen.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/text.h"

namespace forebay::load {
namespace {

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

LiveScreen::LiveScreen(int file)
    : file_(file),
      terminal_(::isatty(file) == 1 && environment("TERM") != "dumb"),
      colours_(terminal_ && environment("NO_COLOR").empty()),
      next_(terminal_ ? Duration{0} : kLineEvery) {}

void LiveScreen::show(const LiveFigures& figures) {
  next_ = figures.elapsed + (terminal_ ? kRedrawEvery : kLineEvery);
  if (!terminal_) {
    write(live_line(figures));
    return;
  }
  const std::string text = live_text(figures, size(), colours_);
  // Up to where the last picture began, and away with what was there.
  const std::string up = rows_ > 0 ? format("\r\x1b[{}A\x1b[J", rows_) : "";
  rows_ = static_cast<std::size_t>(std::ranges::count(text, '\n'));
  write(up + text);
}

void LiveScreen::write(std::string_view text) const {
  pollfd ready{.fd = file_, .events = POLLOUT, .revents = 0};
  while (!text.empty() && ::poll(&ready, 1, 0) == 1) {
    const ssize_t written = ::write(file_, text.data(), text.size());
    if (written < 0 && errno != EINTR) {
      return;
    }
    text.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
  }
}

TerminalSize LiveScreen::size() const {
  winsize window{};
  if (::ioctl(file_, TIOCGWINSZ, &window) != 0 || window.ws_row == 0 || window.ws_col == 0) {
    return {};
  }
  return {window.ws_row, window.ws_col};
}

}  // namespace forebay::load
