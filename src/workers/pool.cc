#include "workers/pool.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>

#include "base/check.h"

namespace forebay::workers {
namespace {

constexpr std::chrono::milliseconds kTimeoutCheck{100};
/// Until the next try to replace a generation whose zygote died.
constexpr std::chrono::seconds kReloadRetry{5};

}  // namespace

Pool::Pool(front::Front& front, const Options& options, Events events)
    : front_(front),
      options_(options),
      events_(std::move(events)),
      wanted_(options.workers),
      timer_(front.loop()),
      retry_timer_(front.loop()) {
  front_.dispatcher().set_backend(this);
}

Pool::~Pool() { front_.dispatcher().set_backend(nullptr); }

Result<void> Pool::start() {
  std::array<int, 2> life{};
  if (::pipe2(life.data(), O_CLOEXEC) != 0) {
    return fail_errno("create a pipe");
  }
  life_read_.reset(life[0]);
  life_write_.reset(life[1]);
  // Workers whose zygote died become our children: somebody has to reap them.
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  return add_generation();
}

Result<void> Pool::add_generation() {
  auto holder = std::make_shared<Generation*>(nullptr);  // known once it exists
  Result<std::unique_ptr<Generation>> generation =
      Generation::start(front_, options_, wanted_, life_read_.get(),
                        {.booted = [this, holder] { booted(**holder); },
                         .capacity_changed = [this] { update_capacity(); },
                         .orphaned =
                             [this] {
                               reap_orphans();
                               reload();
                             },
                         .gone = [this, holder](int exit_code) { gone(**holder, exit_code); }});
  if (!generation) {
    return std::unexpected(generation.error());
  }
  *holder = generation->get();
  if (generations_.empty()) {
    serving_ = generation->get();  // the first serves with whatever worker is ready
  }
  generations_.push_back(std::move(*generation));
  return {};
}

void Pool::reload() {
  if (stopping_) {
    return;
  }
  ++front_.metrics().restarts_reload;
  // One that still boots has been overtaken: however many HUPs come, one boots at a time.
  for (const auto& generation : generations_) {
    if (generation.get() != serving_ && !generation->booted()) {
      generation->retire(Duration{0});
    }
  }
  if (const Result<void> added = add_generation(); !added) {
    front_.log().error("Reload failed, the old workers go on: {}", added.error().message);
    events_.ready();
    retry_orphan();
  }
}

void Pool::change_workers(int by) {
  if (stopping_) {
    return;
  }
  const int most = static_cast<int>(options_.workers_max());
  wanted_ = static_cast<unsigned>(std::clamp(static_cast<int>(wanted_) + by, 1, most));
  front_.log().info("{} workers wanted, {} at most", wanted_, most);
  for (const auto& generation : generations_) {
    generation->want(wanted_);
  }
}

/// Without a zygote the serving generation loses its workers one by one, for good.
void Pool::retry_orphan() {
  if (serving_ != nullptr && serving_->orphaned()) {
    retry_timer_.after(kReloadRetry, [this] {
      if (serving_ != nullptr && serving_->orphaned()) {
        reload();
      }
    });
  }
}

/// What workers leave behind becomes our children, as we are their subreaper.
void Pool::reap_orphans() {
  for (;;) {
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) {
      return;
    }
    const bool zygote = std::ranges::any_of(generations_, [&info](const auto& generation) {
      return generation->zygote_pid() == info.si_pid;
    });
    if (zygote) {
      return;  // it is watched; gone() or orphaned() goes on here
    }
    ::waitpid(info.si_pid, nullptr, WNOHANG);
  }
}

void Pool::booted(Generation& generation) {
  if (&generation != serving_) {
    serving_ = &generation;
    front_.log().info("New workers are ready, the old ones finish what they have");
    events_.ready();
  }
  // All older ones, booted or not: they are in the order of their births.
  for (const auto& other : generations_) {
    if (other.get() == serving_) {
      break;
    }
    other->retire(options_.graceful_timeout);
  }
  update_capacity();
}

void Pool::gone(Generation& generation, int exit_code) {
  // Not now: it is still on the stack.
  front_.loop().post([this, dead = &generation, exit_code] {
    const bool was_serving = serving_ == dead;
    if (was_serving) {
      serving_ = nullptr;
    }
    std::erase_if(generations_, [dead](const auto& g) { return g.get() == dead; });
    update_capacity();
    reap_orphans();
    if (stopping_ && generations_.empty() && stopped_) {
      std::exchange(stopped_, nullptr)();
    } else if (was_serving && !stopping_) {
      events_.failed(exit_code);
    } else if (exit_code != 0) {
      front_.log().error("Reload failed, the old workers go on");
      events_.ready();
      retry_orphan();
    }
  });
}

void Pool::stop(Duration patience, std::function<void()> stopped) {
  stopping_ = true;
  retry_timer_.cancel();
  if (generations_.empty()) {
    return stopped();
  }
  stopped_ = std::move(stopped);
  for (const auto& generation : generations_) {
    generation->retire(patience);
  }
}

void Pool::kill_workers(int signal) {
  stopping_ = true;
  for (const auto& generation : generations_) {
    generation->retire(options_.graceful_timeout);
    generation->kill_workers(signal);
  }
}

/// What old generations and leaving workers still work on counts as busy servers until it is done.
void Pool::update_capacity() {
  std::size_t servers = serving_ == nullptr ? 0 : serving_->servers() + serving_->finishing();
  for (const auto& generation : generations_) {
    if (generation.get() != serving_) {
      servers += generation->outstanding();
    }
  }
  front_.dispatcher().set_servers(servers);
  if (serving_ != nullptr && serving_->servers() != 0 && !std::exchange(told_ready_, true)) {
    events_.ready();
  }
}

front::WorkerCounts Pool::count_workers() const {
  front::WorkerCounts sum;
  for (const auto& generation : generations_) {
    const front::WorkerCounts some = generation->count_workers();
    sum.idle += some.idle;
    sum.busy += some.busy;
    sum.starting += some.starting;
    sum.stopping += some.stopping;
  }
  return sum;
}

void Pool::check_timeouts() {
  const TimePoint now = Clock::now();
  for (const auto& generation : generations_) {
    generation->check_timeouts(now);
  }
  watch_timeouts();
}

/// Looks again and again, but only while requests run.
void Pool::watch_timeouts() {
  const bool running = std::ranges::any_of(generations_, [](const auto& generation) {
    return generation->outstanding() != 0 || generation->has_timed_out_workers();
  });
  if (running && options_.timeout != Duration{0} && !timer_.armed()) {
    timer_.after(kTimeoutCheck, [this] { check_timeouts(); });
  }
}

bool Pool::start(front::Exchange& exchange) {
  if (serving_ == nullptr || !serving_->start_exchange(exchange)) {
    return false;
  }
  watch_timeouts();
  return true;
}

bool Pool::cancel(front::Exchange& exchange) {
  return static_cast<Generation*>(exchange.backend_place)->cancel(exchange);
}

void Pool::abandon(front::Exchange& exchange) {
  static_cast<Generation*>(exchange.backend_place)->abandon(exchange);
}

bool Pool::begun(front::Exchange& exchange) {
  return static_cast<Generation*>(exchange.backend_place)->begun(exchange);
}

}  // namespace forebay::workers
