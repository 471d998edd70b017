#include "net/loop.h"

#include <sched.h>

#include <algorithm>
#include <utility>

namespace forebay::net {
namespace {

/// Handlers run before the sources get their turn.
constexpr int kHandlersPerTurn = 64;

}  // namespace

Loop::Loop() : work_(context_.get_executor()), news_(context_.get_executor(), poller_.fd()) {}

Loop::~Loop() { news_.release(); }

void Loop::add(Source& source) { sources_.push_back(&source); }

void Loop::remove(Source& source) { std::ranges::replace(sources_, &source, nullptr); }

std::size_t Loop::run_ready() {
  std::size_t handlers = 0;
  while (handlers < kHandlersPerTurn && context_.poll_one() != 0) {
    ++handlers;
  }
  return handlers;
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

void Loop::watch_poller() {
  if (!std::exchange(watching_, true)) {
    news_.async_wait(asio::posix::descriptor_base::wait_read,
                     [this](const boost::system::error_code&) { watching_ = false; });
  }
}

void Loop::block() {
  if (poller_.has_asked()) {
    return;
  }
  std::size_t asleep = 0;
  while (asleep < sources_.size() && sources_[asleep]->announce_sleep()) {
    ++asleep;
  }
  if (asleep == sources_.size()) {
    watch_poller();
    context_.run_one();
  }
  for (std::size_t i = 0; i < asleep; ++i) {
    if (sources_[i] != nullptr) {
      sources_[i]->end_sleep();
    }
  }
}

void Loop::run() {
  bool yielded = false;
  while (!stopped_) {
    if (poller_.poll() + run_ready() + poll_sources() != 0) {
      yielded = false;
    } else if (!yielded) {
      ::sched_yield();
      yielded = true;
    } else {
      block();
      yielded = false;
    }
  }
}

}  // namespace forebay::net
