#include "front/dispatcher.h"

#include <random>

namespace forebay::front {

Dispatcher::Dispatcher(net::Loop& loop, const queue::Policy& policy, Metrics& metrics)
    : metrics_(metrics), queue_(policy, std::random_device{}()), timer_(loop) {}

std::optional<Reason> Dispatcher::offer(Exchange& exchange) {
  const TimePoint now = Clock::now();
  exchange.queued = now;
  exchange.queue_length_at_arrival = queue_.length();
  if (refusing_) {
    return Reason::kShuttingDown;
  }
  exchange.arrival.bytes = exchange.body.size();
  if (const auto refusal = queue_.offer(exchange, now)) {
    return to_reason(*refusal);
  }
  pump(now);
  arm_timer();
  return std::nullopt;
}

std::optional<Reason> Dispatcher::look(const queue::Arrival& arrival) const {
  if (refusing_) {
    return Reason::kShuttingDown;
  }
  const auto refusal = queue_.look(arrival, Clock::now());
  return refusal ? std::optional(to_reason(*refusal)) : std::nullopt;
}

bool Dispatcher::take_back(Exchange& exchange) {
  if (exchange.taken() && !backend_->cancel(exchange)) {
    backend_->begun(exchange);
    queue_.running(exchange);
    return false;
  }
  queue_.withdraw(exchange);
  return true;
}

bool Dispatcher::withdraw(Exchange& exchange) {
  if (!exchange.answering) {  // who leaves in the middle of an answer had the patience for it
    queue_.left(exchange, Clock::now());
  }
  const bool unseen = take_back(exchange);
  if (unseen) {
    ++metrics_.abandoned;
    pump();
  } else {
    backend_->abandon(exchange);
  }
  arm_timer();  // what it taught may have brought the deadlines of others closer
  return unseen;
}

void Dispatcher::set_servers(std::size_t servers) {
  queue_.set_servers(servers);
  pump();
}

void Dispatcher::begun(Exchange& exchange) { queue_.running(exchange); }

void Dispatcher::answered(Exchange& exchange) {
  queue_.answered(exchange, exchange.ended == TimePoint{} ? Clock::now() : exchange.ended);
}

void Dispatcher::server_free(std::optional<Duration> service) {
  queue_.server_free(service);
  pump();
}

void Dispatcher::put_back(Exchange& exchange) {
  queue_.put_back(exchange);
  arm_timer();
}

void Dispatcher::pump(TimePoint now) {
  while (queue::Entry* entry = queue_.take(now)) {
    if (!backend_->start(static_cast<Exchange&>(*entry))) {
      queue_.put_back(*entry);
      return;
    }
  }
}

std::vector<Exchange*> Dispatcher::waiting() {
  std::vector<Exchange*> waiting;
  queue::Entry* next = nullptr;
  for (queue::Entry* entry = queue_.handed_entries().front(); entry != nullptr; entry = next) {
    next = queue_.handed_entries().next(*entry);
    auto& exchange = static_cast<Exchange&>(*entry);
    if (backend_->begun(exchange)) {
      queue_.running(exchange);
    } else {
      waiting.push_back(&exchange);
    }
  }
  for (queue::Entry* entry = queue_.waiting_entries().front(); entry != nullptr;
       entry = queue_.waiting_entries().next(*entry)) {
    waiting.push_back(static_cast<Exchange*>(entry));
  }
  return waiting;
}

void Dispatcher::refuse_waiting() {
  refusing_ = true;
  for (Exchange* exchange : waiting()) {
    if (take_back(*exchange)) {
      exchange->sink.lost(Reason::kShuttingDown);
    }
  }
}

void Dispatcher::expire() {
  const TimePoint now = Clock::now();
  while (queue::Entry* entry = queue_.expired(now)) {
    auto& exchange = static_cast<Exchange&>(*entry);
    if (take_back(exchange)) {
      const bool own = exchange.arrival.deadline <= now;
      exchange.sink.lost(own ? Reason::kDeadline : Reason::kQueueTimeout);
    }
  }
  pump(now);
  arm_timer();
}

/// An armed timer may be too early, never too late.
void Dispatcher::arm_timer() {
  const std::optional<TimePoint> deadline = queue_.next_deadline(Clock::now());
  if (deadline && (!timer_.armed() || *deadline < timer_at_)) {
    timer_at_ = *deadline;
    timer_.at(*deadline, [this] { expire(); });
  }
}

}  // namespace forebay::front
