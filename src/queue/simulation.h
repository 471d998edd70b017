#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <queue>
#include <random>
#include <vector>

#include "base/text.h"
#include "queue/queue.h"

/// Clients, servers and the real queue in virtual time. For tests: nothing of this is in the
/// product.
namespace forebay::queue {

/// Whom the queue meets.
struct Scenario {
  std::size_t servers = 4;
  double service = 2;                // mean, seconds
  bool constant_service = false;     // or exponential
  double load = 1.5;                 // of capacity, Poisson
  std::vector<double> patience{10};  // seconds; a client has one of them at random
  double patience_spread = 0;        // or anything from the first to so much more
  int retries = 0;                   // of who was refused or has left
  bool mixed = false;                // a third of the clients each: high, normal, low
  double greedy = 0;                 // one sends this share of all, twenty others the rest
  bool deadlines = false;            // clients say their patience
  std::size_t burst = 0;             // arrivals within a second, at the start and every burst_every
  double burst_every = 0;            // seconds; 0: once
  double learning = 0;               // seconds in which useful work is not counted yet
  double seconds = 3000;             // of arrivals
  bool sees_departures = true;       // false: as a kernel's queue, which serves the gone
};

struct Tally {
  std::uint64_t clients = 0;
  std::uint64_t served = 0;  // within their patience

  [[nodiscard]] double percent() const {
    return 100.0 * static_cast<double>(served) / static_cast<double>(clients);
  }
};

/// What became of them.
struct Outcome {
  std::uint64_t clients = 0;
  std::uint64_t served = 0;  // within their patience
  std::uint64_t refused = 0;
  std::array<Tally, 3> by_priority{};
  Tally greedy;
  Tally others;
  std::uint64_t wasted_runs = 0;  // for clients that had left, or left meanwhile
  double refusal_wait = 0;        // seconds, in all
  double useful_work = 0;         // seconds of service for clients that stayed
  double last_answer = 0;         // virtual time

  [[nodiscard]] double served_percent() const {
    return 100.0 * static_cast<double>(served) / static_cast<double>(clients);
  }
  [[nodiscard]] double served_percent(Priority priority) const {
    return by_priority[static_cast<std::size_t>(priority)].percent();
  }
  [[nodiscard]] double mean_refusal_wait() const {
    return refused == 0 ? 0 : refusal_wait / static_cast<double>(refused);
  }
};

class Simulation {
 public:
  Simulation(const Scenario& scenario, const Policy& policy, std::uint64_t seed)
      : scenario_(scenario), queue_(policy, seed), random_(seed), free_(scenario.servers) {
    queue_.set_servers(scenario.servers);
  }

  Outcome run() {
    plan();
    while (!events_.empty()) {
      const Event event = events_.top();
      events_.pop();
      now_ = event.at;
      event.happens();
      settle();
    }
    return outcome_;
  }

  /// Something else that happens at a time, such as a probe.
  void at(double when, std::function<void()> happens) {
    events_.push({when, next_++, std::move(happens)});
  }
  void arrive(double patience, int retries) {
    Client& client = clients_.emplace_back();
    client.arrived = now_;
    client.patience = patience;
    client.retries = retries;
    if (scenario_.mixed) {
      client.arrival.priority = static_cast<Priority>(clients_.size() % 3);
    }
    if (scenario_.greedy != 0) {
      const bool is_greedy = share(1) < scenario_.greedy;
      client.arrival.client = is_greedy ? kGreedy : kGreedy + 1 + random_() % kOthers;
    }
    if (scenario_.deadlines) {
      client.arrival.deadline = time() + from_seconds(patience);
    }
    ++priority_of(client).clients;
    ++sender_of(client).clients;
    if (queue_.offer(client, time())) {
      return refuse(client);
    }
    at(now_ + patience, [this, &client] { leaves(client); });
  }
  [[nodiscard]] double now() const { return now_; }
  [[nodiscard]] const RequestQueue& queue() const { return queue_; }
  Outcome& outcome() { return outcome_; }

 private:
  static constexpr std::uint64_t kGreedy = 1;
  static constexpr std::uint64_t kOthers = 20;

  struct Client : Entry {
    double arrived = 0;
    double patience = 0;
    int retries = 0;
    bool gone = false;
    bool running = false;
    bool over = false;
  };
  struct Event {
    double at;
    std::uint64_t number;  // ties in the order of planning
    std::function<void()> happens;
    bool operator<(const Event& other) const {
      return at != other.at ? at > other.at : number > other.number;
    }
  };

  [[nodiscard]] TimePoint time() const {
    return TimePoint{std::chrono::hours(1)} + from_seconds(now_);
  }
  double exponential(double mean) {
    return std::exponential_distribution<double>(1 / mean)(random_);
  }
  double some_patience() {
    const double base = scenario_.patience[random_() % scenario_.patience.size()];
    return base + share(scenario_.patience_spread);
  }
  /// Anything up to `most`.
  double share(double most) { return std::uniform_real_distribution<double>(0, 1)(random_) * most; }
  Tally& priority_of(const Client& client) {
    return outcome_.by_priority[static_cast<std::size_t>(client.arrival.priority)];
  }
  Tally& sender_of(const Client& client) {
    return client.arrival.client == kGreedy ? outcome_.greedy : outcome_.others;
  }

  void plan() {
    if (scenario_.load > 0) {
      at(0, [this] { steady(); });
    }
    for (double start = 0; scenario_.burst != 0 && start < scenario_.seconds;
         start += scenario_.burst_every) {
      for (std::size_t i = 0; i < scenario_.burst; ++i) {
        at(start + static_cast<double>(i) / static_cast<double>(scenario_.burst),
           [this] { new_client(); });
      }
      if (scenario_.burst_every == 0) {
        break;
      }
    }
  }
  void steady() {
    new_client();
    const double rate = scenario_.load * static_cast<double>(scenario_.servers) / scenario_.service;
    const double next = now_ + exponential(1 / rate);
    if (next < scenario_.seconds) {
      at(next, [this] { steady(); });
    }
  }
  void new_client() {
    ++outcome_.clients;
    arrive(some_patience(), scenario_.retries);
  }

  void refuse(Client& client) {
    client.over = true;
    ++outcome_.refused;
    outcome_.refusal_wait += now_ - client.arrived;
    again(client);
  }
  void again(const Client& client) {
    if (client.retries > 0) {
      at(now_ + exponential(1),
         [this, patience = client.patience, left = client.retries - 1] { arrive(patience, left); });
    }
  }
  void leaves(Client& client) {
    if (client.over) {
      return;
    }
    client.gone = true;
    again(client);
    if (!scenario_.sees_departures) {
      return;
    }
    queue_.left(client, time());
    if (!client.running) {
      client.over = true;
      std::erase(door_, &client);
      queue_.withdraw(client);
    }
  }

  /// After each event: deadlines, then whoever is free begins.
  void settle() {
    while (Entry* entry = queue_.expired(time())) {
      auto& client = static_cast<Client&>(*entry);
      std::erase(door_, &client);
      queue_.withdraw(client);
      refuse(client);
    }
    while (Entry* entry = queue_.take(time())) {
      door_.push_back(static_cast<Client*>(entry));
    }
    while (free_ > 0 && !door_.empty()) {
      begin(*door_.front());
      door_.pop_front();
      while (Entry* entry = queue_.take(time())) {
        door_.push_back(static_cast<Client*>(entry));
      }
    }
    if (const auto deadline = queue_.next_deadline(time()); deadline && *deadline > time()) {
      wake_at(now_ + to_seconds(*deadline - time()));
    }
  }
  void wake_at(double when) {
    if (wake_ <= now_ || when < wake_) {
      wake_ = when;
      at(when, [] {});
    }
  }
  void begin(Client& client) {
    --free_;
    client.running = true;
    queue_.running(client);
    const double service =
        scenario_.constant_service ? scenario_.service : exponential(scenario_.service);
    at(now_ + service, [this, &client, service] { ends(client, service); });
  }
  void ends(Client& client, double service) {
    ++free_;
    client.over = true;
    outcome_.wasted_runs += client.gone ? 1 : 0;
    const unsigned served = client.gone ? 0 : 1;
    outcome_.served += served;
    priority_of(client).served += served;
    sender_of(client).served += served;
    outcome_.useful_work += client.gone || now_ < scenario_.learning ? 0 : service;
    outcome_.last_answer = now_;
    queue_.answered(client, time());
    queue_.server_free(from_seconds(service));
  }

  Scenario scenario_;
  RequestQueue queue_;
  std::mt19937_64 random_;
  std::size_t free_;
  double now_ = 0;
  double wake_ = 0;
  std::uint64_t next_ = 0;
  std::priority_queue<Event> events_;
  std::deque<Client> clients_;
  std::deque<Client*> door_;
  Outcome outcome_;
};

}  // namespace forebay::queue
