#include "cli/lab_progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>

#include "base/text.h"

namespace forebay::cli {
namespace {

std::size_t width() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1U : 79U;
}

}  // namespace

LabProgress::LabProgress() : terminal_(::isatty(STDERR_FILENO) == 1) {}

void LabProgress::plan(std::string_view text) { line(text); }

void LabProgress::going(const std::vector<std::string>& states) {
  if (!terminal_) {
    return;
  }
  std::string text = format("{:.0f} s", to_seconds(Clock::now() - began_));
  for (const std::string& state : states) {
    text += " | " + state;
  }
  std::fputs(format("\r\033[K{}", text.substr(0, width())).c_str(), stderr);
}

void LabProgress::done(std::string_view text) { line(text); }

void LabProgress::clear() {
  if (terminal_) {
    std::fputs("\r\033[K", stderr);
  }
}

void LabProgress::line(std::string_view text) {
  clear();
  std::fputs(format("{}\n", text).c_str(), stderr);
}

}  // namespace forebay::cli
