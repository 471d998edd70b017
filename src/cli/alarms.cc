#include "cli/alarms.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/check.h"

namespace forebay::cli {
namespace {

timespec to_timespec(Duration duration) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(duration);
  return {.tv_sec = seconds.count(), .tv_nsec = (duration - seconds).count()};
}

void watch(int both, int fd) {
  epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
  CHECK(::epoll_ctl(both, EPOLL_CTL_ADD, fd, &event) == 0);
}

}  // namespace

Alarms::Alarms(std::optional<Duration> every) : both_(::epoll_create1(EPOLL_CLOEXEC)) {
  sigset_t interrupt;
  ::sigemptyset(&interrupt);
  ::sigaddset(&interrupt, SIGINT);
  ::sigprocmask(SIG_BLOCK, &interrupt, nullptr);
  signals_.reset(::signalfd(-1, &interrupt, SFD_CLOEXEC | SFD_NONBLOCK));
  watch(both_.get(), signals_.get());
  if (every) {
    timer_.reset(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    const itimerspec period{.it_interval = to_timespec(*every), .it_value = to_timespec(*every)};
    CHECK(::timerfd_settime(timer_.get(), 0, &period, nullptr) == 0);
    watch(both_.get(), timer_.get());
  }
}

Alarms::Taken Alarms::take() {
  Taken taken;
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof(info)) == sizeof(info)) {
    taken.stop = taken.stop || pressed_ || info.ssi_code != SI_KERNEL;
    taken.any = pressed_ = true;
  }
  std::uint64_t periods = 0;
  taken.tick = timer_ && ::read(timer_.get(), &periods, sizeof(periods)) == sizeof(periods);
  taken.any = taken.any || taken.tick;
  return taken;
}

}  // namespace forebay::cli
