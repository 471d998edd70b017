#include "load/sender.h"

#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

#include "base/check.h"

namespace forebay::load {
namespace {

constexpr std::size_t kBatch = 256;
constexpr Duration kGiveEvery = std::chrono::milliseconds(100);

/// A counter that one thread writes and others look at now and then.
void count(std::atomic<std::uint64_t>& counter) {
  counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

/// As sched_setattr(2) wants it; no header of Debian 12 has it that can stand beside <sched.h>.
struct SchedulingAttributes {
  std::uint32_t size = sizeof(SchedulingAttributes);
  std::uint32_t policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime_ns = 0;
  std::uint64_t deadline_ns = 0;
  std::uint64_t period_ns = 0;
};

/// Asks the kernel to run this thread soon after it is woken, at the price of shorter turns:
/// matters where the CPUs are busy. Linux 6.12 and later, for everybody; before it changes nothing.
void prefer_prompt_turns() {
  constexpr std::uint64_t kTurnNs = 100'000;  // the least that is permitted
  SchedulingAttributes attributes;
  if (::syscall(SYS_sched_getattr, 0, &attributes, sizeof(attributes), 0) == 0) {
    attributes.runtime_ns = kTurnNs;
    ::syscall(SYS_sched_setattr, 0, &attributes, 0);
  }
}

}  // namespace

Sender::Sender(const Plan& plan, Collector& collector, unsigned index, unsigned count,
               std::size_t flights_max)
    : plan_(plan),
      collector_(collector),
      index_(index),
      count_(count),
      flights_max_(flights_max),
      told_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      watch_(loop_, told_.get(), [this] { told(); }),
      give_timer_(loop_),
      start_timer_(loop_),
      duration_timer_(loop_) {}

Sender::~Sender() = default;

Result<void> Sender::prepare(const ClientOptions& client) {
  Result<std::unique_ptr<Client>> made =
      Client::make(loop_, client, [this](Flight& flight) { done(flight); });
  if (!made) {
    return std::unexpected(made.error());
  }
  client_ = std::move(*made);
  return {};
}

/// Hit n is ours if n = part (mod parts).
std::uint64_t Sender::part() const { return plan_.shard + (plan_.shards * index_); }
std::uint64_t Sender::parts() const { return plan_.shards * count_; }

void Sender::run() {
  ::prctl(PR_SET_TIMERSLACK, 1);
  prefer_prompt_turns();
  if (plan_.schedule) {
    loop_.never_yield();
    pacer_.emplace(
        loop_, plan_.start, Arrivals(*plan_.schedule, part(), parts()), plan_.pacing,
        Pacer::User{.has_room = [this] { return flights_.size() - free_.size() < flights_max_; },
                    .release = [this](const Pacer::Due& due) { release(due); },
                    .over = [this] { releasing_ = false; }});
    releasing_ = !pacer_->finished();
  } else {
    start_timer_.at(plan_.start, [this] { begin_closed_loop(); });
  }
  finish_if_over();
  loop_.run();
  give();
}

void Sender::begin_closed_loop() {
  next_ = part();
  if (plan_.duration) {
    duration_timer_.at(plan_.start + *plan_.duration, [this] { stop_releasing(); });
  }
  owed_ = flights_max_;
  begin_owed();
}

void Sender::begin_next() {
  if (releasing_ && plan_.hits && next_ >= *plan_.hits) {
    releasing_ = false;
  }
  if (releasing_) {
    const TimePoint now = Clock::now();
    release({.sequence = std::exchange(next_, next_ + parts()), .intended = now, .now = now});
  }
}

void Sender::release(const Pacer::Due& due) {
  Flight& flight = take_flight();
  const Result<const Target*> target = plan_.targets->at(due.sequence, flight.room);
  if (!target || *target == nullptr) {
    if (!target) {
      error_ = target.error();
    }
    free_.push_back(&flight);
    return stop_releasing();
  }
  Hit& hit = *flight.hit;
  hit.clear();
  hit.attack = plan_.name;
  hit.sequence = due.sequence;
  hit.intended_ns = plan_.start_ns + (due.intended - plan_.start).count();
  hit.late = due.late;
  hit.method = (*target)->method;
  hit.url = (*target)->url;
  hit.bytes_out = (*target)->body->size();
  flight.intended = due.intended;
  under_way_.push_back(flight);
  count(released_);
  client_->send(flight, **target, due.now);
}

Flight& Sender::take_flight() {
  if (free_.empty()) {
    flights_.push_back(std::make_unique<Flight>());
    return *flights_.back();
  }
  Flight& flight = *free_.back();
  free_.pop_back();
  return flight;
}

void Sender::done(Flight& flight) {
  flight.Link<UnderWayTag>::unlink();
  if (batch_.count == batch_.hits.size()) {
    batch_.hits.push_back(std::make_unique<Hit>());
  }
  std::swap(batch_.hits[batch_.count++], flight.hit);
  flight.own.reset();
  flight.sent = flight.first_byte = flight.done = TimePoint{};
  flight.redirects = 0;
  flight.tries = 0;
  free_.push_back(&flight);
  count(done_);
  connections_.store(client_->opened(), std::memory_order_relaxed);
  if (batch_.count == kBatch) {
    give();
  } else if (!give_timer_.armed()) {
    give_timer_.after(kGiveEvery, [this] { give(); });
  }
  if (!pacer_ && owed_++ == 0) {
    loop_.post([this] { begin_owed(); });
  }
  finish_if_over();
}

/// All that are owed in one go, once the answers were read: the kernel wakes a server that slept
/// for the first of them only.
void Sender::begin_owed() {
  for (std::size_t left = std::exchange(owed_, 0); left > 0; --left) {
    begin_next();
  }
  finish_if_over();
}

void Sender::give() {
  give_timer_.cancel();
  if (batch_.count != 0) {
    batch_ = collector_.give(std::move(batch_));
  }
}

void Sender::stop_releasing() {
  releasing_ = false;
  if (pacer_) {
    pacer_->stop();
  }
  finish_if_over();
}

void Sender::finish_if_over() {
  if (!releasing_ && under_way_.empty()) {
    loop_.stop();
  }
}

void Sender::tell(std::uint64_t what) {
  CHECK(::write(told_.get(), &what, sizeof(what)) == sizeof(what));
}

void Sender::told() {
  std::uint64_t what = 0;
  if (::read(told_.get(), &what, sizeof(what)) != sizeof(what)) {
    return;
  }
  stop_releasing();
  if (what >= kAbort) {
    while (Flight* flight = under_way_.front()) {
      client_->give_up(*flight, Failure::kUnfinished);
    }
  }
}

Progress Sender::progress() const {
  return {.released = released_.load(std::memory_order_relaxed),
          .done = done_.load(std::memory_order_relaxed),
          .connections = connections_.load(std::memory_order_relaxed)};
}

}  // namespace forebay::load
