#include "net/poller.h"

#include <algorithm>

#include "base/check.h"

namespace forebay::net {

Poller::Poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) { CHECK(bool(epoll_)); }

bool Poller::add(int fd, std::uint32_t events, Polled& polled) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &polled;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void Poller::change(int fd, std::uint32_t events, Polled& polled) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &polled;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void Poller::remove(int fd, Polled& polled) {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  forget(polled);
}

void Poller::forget(Polled& polled) {
  polled.unlink();
  for (epoll_event& event : untold_) {
    if (event.data.ptr == &polled) {
      event.data.ptr = nullptr;
    }
  }
}

void Poller::ask(Polled& polled) {
  if (!polled.linked()) {
    asked_.push_back(polled);
  }
}

void Poller::wait(Duration longest) {
  if (!asked_.empty()) {
    longest = Duration{0};
  }
  const auto seconds = std::chrono::floor<std::chrono::seconds>(longest);
  const timespec limit{seconds.count(), (longest - seconds).count()};
  const int count = ::epoll_pwait2(epoll_.get(), events_.data(), kEventsPerTurn, &limit, nullptr);
  untold_ = std::span(events_).first(static_cast<std::size_t>(std::max(count, 0)));
}

std::size_t Poller::tell() {
  std::size_t told = untold_.size();
  // Who asks during this turn is called in the next one.
  List<Polled, AskedTag> asked;
  asked.append(asked_);
  while (!untold_.empty()) {
    const epoll_event event = untold_.front();
    untold_ = untold_.subspan(1);
    if (event.data.ptr != nullptr) {
      static_cast<Polled*>(event.data.ptr)->ready(event.events);
    }
  }
  while (Polled* polled = asked.front()) {
    polled->unlink();
    polled->ready(0);
    ++told;
  }
  return told;
}

}  // namespace forebay::net
