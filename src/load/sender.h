#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "load/client.h"
#include "load/collector.h"
#include "load/pacer.h"
#include "load/targets.h"
#include "net/loop.h"
#include "net/timer.h"
#include "net/watch.h"

namespace forebay::load {

/// What the threads of an attack share; it outlives them.
struct Plan {
  std::string name;
  std::optional<Schedule> schedule;  // none: closed loop
  Targets* targets = nullptr;
  Pacing pacing = Pacing::kPrecise;
  TimePoint start;            // of the schedule
  std::int64_t start_ns = 0;  // the same since the Unix epoch
  std::uint64_t shard = 0;    // k of K
  std::uint64_t shards = 1;
  std::optional<std::uint64_t> hits;  // of a closed loop, over all shards
  std::optional<Duration> duration;   // of a closed loop
};

/// What a thread has done so far, for whoever watches.
struct Progress {
  std::uint64_t released = 0;
  std::uint64_t done = 0;
  std::uint64_t connections = 0;  // opened
};

/// One thread of an attack: its part of the schedule, its connections, its loop. Shares nothing
/// with the others but the plan and the collector.
class Sender {
 public:
  /// Thread `index` of `count`; at most `flights_max` hits under way at once.
  Sender(const Plan& plan, Collector& collector, unsigned index, unsigned count,
         std::size_t flights_max);
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;
  ~Sender();

  /// Errors: what the client cannot be made of.
  Result<void> prepare(const ClientOptions& client);
  /// Until every hit is over.
  void run();

  // From other threads.

  /// No more hits are released; those under way come to their end.
  void stop() { tell(kStop); }
  /// Those under way are over now, unfinished.
  void abort() { tell(kAbort); }
  [[nodiscard]] Progress progress() const;
  /// The targets could not be read on. After run().
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }

 private:
  static constexpr std::uint64_t kStop = 1;
  static constexpr std::uint64_t kAbort = std::uint64_t{1} << 32;

  void tell(std::uint64_t what);
  void told();
  void begin_closed_loop();
  void begin_next();
  void begin_owed();
  void release(const Pacer::Due& due);
  Flight& take_flight();
  void done(Flight& flight);
  void give();
  void stop_releasing();
  void finish_if_over();
  [[nodiscard]] std::uint64_t part() const;
  [[nodiscard]] std::uint64_t parts() const;

  const Plan& plan_;
  Collector& collector_;
  unsigned index_;
  unsigned count_;
  std::size_t flights_max_;
  std::vector<std::unique_ptr<Flight>> flights_;
  std::vector<Flight*> free_;
  List<Flight, UnderWayTag> under_way_;
  net::Loop loop_;
  Fd told_;
  net::Watch watch_;
  std::unique_ptr<Client> client_;
  net::Timer give_timer_;
  net::Timer start_timer_;
  net::Timer duration_timer_;
  std::optional<Pacer> pacer_;
  std::uint64_t next_ = 0;  // of a closed loop
  std::size_t owed_ = 0;    // hits of a closed loop, for those done in this turn
  bool releasing_ = true;
  Collector::Batch batch_;
  std::optional<Error> error_;
  std::atomic<std::uint64_t> released_ = 0;
  std::atomic<std::uint64_t> done_ = 0;
  std::atomic<std::uint64_t> connections_ = 0;
};

}  // namespace forebay::load
