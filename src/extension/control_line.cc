#include "extension/control_line.h"

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <optional>

#include "base/crash_point.h"
#include "extension/py.h"

namespace forebay::extension {

using channel::ControlHeader;
using channel::ControlKind;
using channel::ControlMessage;
using channel::Ticket;

namespace {

constexpr std::uint32_t kLevelError = 40;

bool out_of_descriptors(int any) {
  return !Fd(::fcntl(any, F_DUPFD_CLOEXEC, 0)) && errno == EMFILE;
}

/// What is too long for one message loses its middle: the last lines of a traceback say most.
std::string without_middle(std::string_view text) {
  constexpr std::string_view kGap = "\n[...]\n";
  constexpr std::size_t kHead = channel::kControlTextMax / 4;
  constexpr std::size_t kTail = channel::kControlTextMax - kHead - kGap.size();
  std::string shorter(text.substr(0, kHead));
  return shorter.append(kGap).append(text.substr(text.size() - kTail));
}

}  // namespace

void ControlLine::send_ready() {
  crash_point("worker.loaded");
  send({.kind = ControlKind::kReady, .ticket = {}}, {}, -1);
  crash_point("worker.ready_said");
}

void ControlLine::log(int level, std::string_view text) {
  const ControlHeader header{
      .kind = ControlKind::kLog, .value = static_cast<std::uint32_t>(level), .ticket = {}};
  if (text.size() > channel::kControlTextMax) {
    send(header, without_middle(text), -1);
  } else {
    send(header, text, -1);
  }
}

void ControlLine::log_once(int level, const std::string& text) {
  if (said_.size() < kSaidMax && said_.insert(text).second) {
    log(level, text);
  }
}

void ControlLine::send_file(Ticket ticket, int fd) {
  send({.kind = ControlKind::kFile, .ticket = ticket}, {}, fd);
  crash_point("server.file_sent");
}

void ControlLine::send(const ControlHeader& header, std::string_view text, int fd) {
  const WithoutGil without_gil;
  std::ignore = channel::send_control(socket_.get(), header, text, fd);
}

Fd ControlLine::fetch_body(Ticket ticket) {
  const WithoutGil without_gil;
  const std::lock_guard lock(asking_);
  if (!channel::send_control(socket_.get(), {.kind = ControlKind::kWantBody, .ticket = ticket})) {
    return {};
  }
  crash_point("server.body_asked");
  std::array<char, 256> buffer{};
  for (;;) {
    Result<std::optional<ControlMessage>> answer = channel::receive_control(socket_.get(), buffer);
    if (!answer) {
      return {};
    }
    if (*answer && (*answer)->header.kind == ControlKind::kBody &&
        (*answer)->header.ticket == ticket) {
      if (!(*answer)->fd && out_of_descriptors(socket_.get())) {
        std::ignore = channel::send_control(
            socket_.get(), {.kind = ControlKind::kLog, .value = kLevelError, .ticket = {}},
            "a request is answered 502: the application has opened so many files that there is no "
            "descriptor left for the request's body (RLIMIT_NOFILE)");
      }
      return std::move((*answer)->fd);
    }
  }
}

}  // namespace forebay::extension
