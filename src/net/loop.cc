#include "net/loop.h"

#include <sched.h>

#include <algorithm>
#include <utility>

namespace forebay::net {
namespace {

/// Nothing waits for longer without a look around.
constexpr std::chrono::seconds kSleepMax{60};

}  // namespace

void Loop::add(Source& source) { sources_.push_back(&source); }

void Loop::remove(Source& source) { std::ranges::replace(sources_, &source, nullptr); }

std::size_t Loop::run_posted() {
  // What they post is of the next turn.
  std::vector<Call> calls = std::exchange(posted_, {});
  for (Call& call : calls) {
    call();
  }
  return calls.size();
}

std::size_t Loop::poll_sources() {
  std::size_t work = 0;
  // By index: a source may add another one meanwhile.
  for (std::size_t i = 0; i < sources_.size(); ++i) {  // NOLINT(modernize-loop-convert)
    if (sources_[i] != nullptr) {
      work += sources_[i]->poll();
    }
  }
  std::erase(sources_, nullptr);
  return work;
}

std::size_t Loop::run_turn() {
  std::size_t work = poller_.poll(Duration{0});
  work += run_posted();
  work += timers_.expire(Clock::now());
  return work + poll_sources();
}

Duration Loop::until_next_timer() const {
  const std::optional<TimePoint> next = timers_.next();
  return next ? std::clamp(*next - Clock::now(), Duration{0}, Duration(kSleepMax)) : kSleepMax;
}

void Loop::block() {
  std::size_t asleep = 0;
  while (asleep < sources_.size() && sources_[asleep]->announce_sleep()) {
    ++asleep;
  }
  if (asleep == sources_.size()) {
    poller_.wait(until_next_timer());
  }
  for (std::size_t i = 0; i < asleep; ++i) {
    sources_[i]->end_sleep();
  }
  poller_.tell();
}

void Loop::run() {
  bool yielded = false;
  while (!stopped_) {
    if (run_turn() != 0) {
      yielded = false;
    } else if (!yielded) {
      if (yields_) {
        ::sched_yield();
      }
      yielded = true;
    } else {
      block();
      yielded = false;
    }
  }
}

}  // namespace forebay::net
