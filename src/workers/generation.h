#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "channel/control.h"
#include "channel/front_end.h"
#include "front/dispatcher.h"
#include "front/front.h"
#include "net/timer.h"
#include "workers/exchange_codec.h"
#include "workers/options.h"
#include "workers/tracebacks.h"
#include "workers/worker.h"
#include "workers/zygote.h"

namespace forebay::workers {

/// One zygote, its workers and their channel: everything that a reload replaces. One thread.
///
///   booting --every worker ready--> serving --retire()--> retiring --last worker gone--> gone
///      \-- a worker failed to boot, none ever was ready --> gone (failed)
class Generation final : public net::Source {
 public:
  struct Events {
    std::function<void()> booted;             // every worker is ready for the first time
    std::function<void()> capacity_changed;   // servers() or outstanding work of a retiring one
    std::function<void()> orphaned;           // the zygote died: no worker can be replaced any more
    std::function<void(int exit_code)> gone;  // no process is left; 0, or why it could not boot
  };

  static Result<std::unique_ptr<Generation>> start(front::Front& front, const Options& options,
                                                   unsigned wanted, int life, Events events);
  Generation(const Generation&) = delete;
  Generation& operator=(const Generation&) = delete;
  ~Generation() override;

  // The backend's part, see front::Backend.
  [[nodiscard]] bool start_exchange(front::Exchange& exchange);
  [[nodiscard]] bool cancel(front::Exchange& exchange);
  void abandon(const front::Exchange& exchange);
  bool begun(front::Exchange& exchange);

  /// How many workers there shall be: at least 1, at most Options::workers_max().
  void want(unsigned workers);

  /// Servers that can take requests now.
  [[nodiscard]] std::size_t servers() const;
  /// Requests that leaving workers still run.
  [[nodiscard]] std::size_t finishing() const;
  [[nodiscard]] std::size_t outstanding() const { return channel_.outstanding(); }
  [[nodiscard]] front::WorkerCounts count_workers() const;
  [[nodiscard]] bool booted() const { return booted_; }
  /// Some worker takes requests, and is not merely the next one of a crash loop.
  [[nodiscard]] bool ready() const;
  /// Its zygote died: no worker can be replaced any more.
  [[nodiscard]] bool orphaned() const { return !zygote_; }
  [[nodiscard]] pid_t zygote_pid() const { return zygote_ ? zygote_->pid() : 0; }

  /// Lets the workers finish what they were given, then leave; kills them after `patience`.
  void retire(Duration patience);
  void kill_workers(int signal);
  /// Ends requests that run longer than the timeout, and their workers.
  void check_timeouts(TimePoint now);
  /// Some worker exceeded it and is not gone yet: check_timeouts() has to be called again.
  [[nodiscard]] bool has_timed_out_workers() const;

  // Source
  std::size_t poll() override;
  bool announce_sleep() override { return channel_.announce_sleep(); }
  void end_sleep() override { channel_.awake(); }

 private:
  /// A slot's request. The exchange is null once it has its answer; its server may still be busy.
  struct Job {
    front::Exchange* exchange = nullptr;
    TimePoint started;    // zero: no server has begun it
    unsigned worker = 0;  // who has
  };
  /// What a record brings.
  struct Incoming {
    std::optional<ResponseParts> response;
    Fd file;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    bool valid = true;
  };

  Generation(front::Front& front, const Options& options, unsigned wanted,
             channel::FrontEnd channel, Tracebacks tracebacks, Events events);
  Zygote::Events zygote_events();

  // How many workers.
  void balance();
  void fork_missing();
  void dismiss_surplus();
  [[nodiscard]] std::size_t count(Worker::State state) const;
  [[nodiscard]] bool anybody_worn() const;
  void count_run(unsigned index);
  void watch_memory();
  void check_memory(Worker& worker);
  void kill_for_memory(Worker& worker, std::uint64_t bytes);
  void wear_out(Worker& worker, Worker::Wear wear);
  void dismiss(Worker& worker);
  void hurry(const Worker& worker);

  // Births and deaths.
  void fork_worker(unsigned index);
  void fork_later();
  void worker_unborn(unsigned index);
  void worker_born(unsigned index, pid_t pid, Fd pidfd);
  void worker_ready(unsigned index);
  void worker_died(unsigned index);
  void worker_status(pid_t pid, int wait_status);
  std::string describe_end(const Worker& dead, int wait_status);
  void replace(bool proven);
  void zygote_exited(int wait_status);
  void end_job(channel::Ticket ticket);
  void read_control(unsigned index, unsigned messages_max);
  bool read_message(unsigned index);
  bool handle_control(unsigned index, channel::ControlMessage message);
  void give_body(unsigned index, channel::Ticket ticket);
  void corrupt(std::uint32_t server);
  void return_unclaimed();
  void maybe_gone();
  void end_rest();
  void boot_failed(int exit_code);

  // Patience.
  void time_out(const Job& job, TimePoint now);
  void end_timed_out(unsigned index, TimePoint now);
  void show_traceback(unsigned part, pid_t pid);
  void watch_boot(unsigned index);
  void boot_timed_out(unsigned index);
  void watch_preload();

  // Requests and responses.
  /// A worker's servers are as far apart as there are seats.
  [[nodiscard]] unsigned worker_of(std::uint32_t server) const {
    return server % static_cast<unsigned>(workers_.size());
  }
  [[nodiscard]] std::uint32_t server_of(unsigned index, unsigned thread) const {
    return index + thread * static_cast<unsigned>(workers_.size());
  }
  /// Requests that a worker runs.
  [[nodiscard]] std::size_t running(unsigned index) const;
  channel::Taken take(std::uint32_t server, const channel::Record& record);
  /// The same, unless the client is too far behind: then the worker has to wait.
  channel::Taken take_with_room(std::uint32_t server, const channel::Record& record);
  Incoming decode(const front::Exchange& exchange, std::uint32_t server,
                  const channel::Record& record);
  void lose(front::Exchange& exchange);
  void nudge_later();
  Fd take_file(std::uint32_t server, channel::Ticket ticket);
  void deliver(front::Exchange& exchange, const channel::Record& record, Incoming incoming,
               bool over);
  void note_claim(front::Exchange& exchange, const channel::Claim& claim, Job& job);

  front::Front& front_;
  const Options& options_;
  channel::FrontEnd channel_;
  Tracebacks tracebacks_;  // a part for each seat, then one for the zygote
  Events events_;
  unsigned wanted_;
  std::vector<Worker> workers_;  // by seat
  std::vector<Job> jobs_;        // by slot
  std::vector<http::Field> fields_;
  std::vector<char> control_buffer_;
  std::unique_ptr<Zygote> zygote_;
  std::optional<net::Watch> wake_watch_;
  net::Timer timer_;
  net::Timer memory_timer_;
  net::Timer nudge_timer_;
  std::minstd_rand random_{std::random_device{}()};
  Duration restart_delay_{0};
  unsigned deaths_in_a_row_ = 0;  // of workers that had done nothing yet
  // Such a death left no worker, and none has run a request or lived for long since.
  bool in_doubt_ = false;
  std::optional<std::uint64_t> oom_kills_;  // when we last looked
  int boot_exit_code_ = 0;
  bool ever_ready_ = false;  // some worker
  bool booted_ = false;      // all of them
  bool retiring_ = false;
  bool closed_ = false;  // the channel: workers leave
  bool killed_ = false;  // so shall be who is born yet
};

}  // namespace forebay::workers
