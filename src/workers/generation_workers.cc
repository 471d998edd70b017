// The workers of a generation: how many there are, their births, wear and deaths.

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ranges>

#include "base/pidfd.h"
#include "base/text.h"
#include "workers/generation.h"
#include "workers/oom_kills.h"
#include "workers/resident_memory.h"

namespace forebay::workers {
namespace {

/// Between the deaths of workers that never got ready.
constexpr Duration kRestartDelayFirst = std::chrono::milliseconds(100);
constexpr Duration kRestartDelayMax = std::chrono::seconds(10);
/// So many of them in a row are a crash loop.
constexpr unsigned kCrashLoop = 3;
/// Of a worker's control socket: those read at once, and more than can wait in a socket.
constexpr unsigned kMessagesPerTurn = 16;
constexpr unsigned kMessagesAll = 4096;
constexpr std::chrono::seconds kMemoryCheck{1};
/// A worker that takes so many times its limit cannot wait for its replacement.
constexpr std::uint64_t kMemoryFar = 2;

/// gunicorn's exit codes for a worker that cannot boot: import failed, application unusable.
constexpr int kExitBoot = 3;
constexpr int kExitApp = 4;

std::string describe(int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    const int signal = WTERMSIG(wait_status);
    const char* const name = ::sigabbrev_np(signal);  // none of a real-time signal
    return format("was killed by signal {} ({})", signal, name != nullptr ? name : "real-time");
  }
  return format("exited with code {}", WEXITSTATUS(wait_status));
}

bool is_worn(const Worker& worker) {
  return worker.state == Worker::State::kReady && worker.wear != Worker::Wear::kNone;
}

}  // namespace

// How many.

/// The one place that compares what there is with what there shall be; called after every change.
void Generation::balance() {
  if (retiring_) {
    return;
  }
  if (!booted_ && count(Worker::State::kReady) >= wanted_) {
    booted_ = true;
    events_.booted();
  }
  dismiss_surplus();
  fork_missing();
}

void Generation::want(unsigned workers) {
  wanted_ = workers;
  balance();
}

/// As many as are wanted, and one more while somebody is worn: who replaces it comes first.
void Generation::fork_missing() {
  const std::size_t target = wanted_ + (anybody_worn() ? 1 : 0);
  std::size_t alive = count(Worker::State::kStarting) + count(Worker::State::kReady);
  for (unsigned i = 0; i < workers_.size() && alive < target; ++i) {
    if (!zygote_ || timer_.armed()) {
      return;
    }
    if (workers_[i].state == Worker::State::kNone) {
      fork_worker(i);
      ++alive;
    }
  }
}

/// The worn first, then the highest seats. Where no seat is left for another, the worn one goes
/// before its replacement comes.
void Generation::dismiss_surplus() {
  const bool no_spare = workers_.size() == wanted_ && anybody_worn();
  const std::size_t most = no_spare ? wanted_ - 1 : wanted_;
  auto highest_first = workers_ | std::views::reverse;
  for (std::size_t ready = count(Worker::State::kReady); ready > most; --ready) {
    const auto worn = std::ranges::find_if(workers_, is_worn);
    dismiss(worn != workers_.end()
                ? *worn
                : *std::ranges::find(highest_first, Worker::State::kReady, &Worker::state));
  }
}

std::size_t Generation::count(Worker::State state) const {
  return static_cast<std::size_t>(std::ranges::count(workers_, state, &Worker::state));
}

bool Generation::anybody_worn() const { return std::ranges::any_of(workers_, is_worn); }

// Births.

void Generation::fork_worker(unsigned index) {
  Worker& worker = workers_[index];
  worker = Worker();
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()) != 0) {
    front_.log().error("cannot fork a worker: no socket pair: {}", std::strerror(errno));
    return fork_later();
  }
  const Fd theirs(pair[1]);
  worker.control.reset(pair[0]);
  ::fcntl(pair[0], F_SETFL, O_NONBLOCK);
  worker.state = Worker::State::kStarting;
  worker.forked_at = Clock::now();
  if (const Result<void> asked = zygote_->fork_worker(index, theirs); !asked) {
    front_.log().error("cannot fork a worker: {}", asked.error().message);
    worker = Worker();
    return fork_later();
  }
  worker.control_watch.emplace(front_.loop(), pair[0],
                               [this, index] { read_control(index, kMessagesPerTurn); });
  watch_boot(index);
}

void Generation::fork_later() {
  restart_delay_ = std::clamp(restart_delay_ * 2, kRestartDelayFirst, kRestartDelayMax);
  timer_.after(restart_delay_, [this] { balance(); });
}

/// The zygote could not fork it.
void Generation::worker_unborn(unsigned index) {
  if (index >= workers_.size() || workers_[index].state != Worker::State::kStarting) {
    return;
  }
  workers_[index] = Worker();
  retiring_ ? maybe_gone() : fork_later();
}

void Generation::worker_born(unsigned index, pid_t pid, Fd pidfd) {
  if (index >= workers_.size() || pid <= 1) {
    return;
  }
  Worker& worker = workers_[index];
  worker.pid = pid;
  if (!pidfd) {
    // We had no descriptor left for it, so nobody would see it die. The zygote tells its end.
    worker.killed_for = "no descriptor was left to watch it";
    front_.log().error("cannot watch the worker (pid: {}): no descriptor left; killing it", pid);
    ::kill(pid, SIGKILL);
    return;
  }
  worker.pidfd = std::move(pidfd);
  worker.death_watch.emplace(front_.loop(), worker.pidfd.get(),
                             [this, index] { worker_died(index); });
  if (killed_ || worker.dismissed) {
    send_signal(worker.pidfd, killed_ ? SIGKILL : SIGTERM);
  }
  front_.log().info("Booting worker with pid: {}", pid);
}

void Generation::worker_ready(unsigned index) {
  Worker& worker = workers_[index];
  worker.state = Worker::State::kReady;
  worker.timer.reset();
  worker.ready_at = Clock::now();
  front_.metrics().worker_start.observe(to_seconds(worker.ready_at - worker.forked_at));
  ever_ready_ = true;
  if (options_.max_requests != 0) {
    std::uniform_int_distribution<unsigned> jitter(0, options_.max_requests_jitter);
    worker.runs_max = std::uint64_t{options_.max_requests} + jitter(random_);
  }
  events_.capacity_changed();
  balance();
}

// Wear.

void Generation::count_run(unsigned index) {
  Worker& worker = workers_[index];
  worker.ran = true;
  deaths_in_a_row_ = 0;
  in_doubt_ = false;
  restart_delay_ = Duration{0};
  if (++worker.runs == worker.runs_max && worker.state == Worker::State::kReady) {
    front_.log().info("Worker (pid: {}) has run {} requests; starting another in its place",
                      worker.pid, worker.runs);
    wear_out(worker, Worker::Wear::kRequests);
  }
}

void Generation::watch_memory() {
  memory_timer_.after(kMemoryCheck, [this] {
    for (Worker& worker : workers_) {
      check_memory(worker);
    }
    watch_memory();
  });
}

void Generation::check_memory(Worker& worker) {
  if (worker.state != Worker::State::kReady && worker.state != Worker::State::kLeaving) {
    return;
  }
  const std::uint64_t bytes = resident_bytes(worker.pid);
  if (bytes / kMemoryFar > options_.worker_memory_max) {
    return kill_for_memory(worker, bytes);
  }
  const bool serves_on = worker.state == Worker::State::kReady && !is_worn(worker) && !retiring_;
  if (bytes > options_.worker_memory_max && serves_on) {
    front_.log().warning(
        "Worker (pid: {}) takes {} MiB, more than --max-worker-memory; starting another in its "
        "place",
        worker.pid, bytes >> 20);
    wear_out(worker, Worker::Wear::kMemory);
  }
}

/// What it runs is lost, but the machine is not: its replacement may take long, or never boot.
void Generation::kill_for_memory(Worker& worker, std::uint64_t bytes) {
  if (!worker.killed_for.empty()) {
    return;
  }
  worker.over_memory = true;
  worker.killed_for = "it took far more than --max-worker-memory";
  front_.log().error("Worker (pid: {}) takes {} MiB, {} times --max-worker-memory; killing it",
                     worker.pid, bytes >> 20, kMemoryFar);
  front_.metrics().restarts_memory += worker.state == Worker::State::kReady ? 1 : 0;
  send_signal(worker.pidfd, SIGKILL);
}

void Generation::wear_out(Worker& worker, Worker::Wear wear) {
  worker.wear = wear;
  balance();
}

/// It takes no new request and leaves when it has finished what it runs.
void Generation::dismiss(Worker& worker) {
  front::Metrics& metrics = front_.metrics();
  metrics.restarts_max_requests += worker.wear == Worker::Wear::kRequests ? 1 : 0;
  metrics.restarts_memory += worker.wear == Worker::Wear::kMemory ? 1 : 0;
  worker.state = Worker::State::kLeaving;
  worker.dismissed = true;
  send_signal(worker.pidfd, SIGTERM);
  worker.timer = std::make_unique<net::Timer>(front_.loop());
  worker.timer->after(options_.graceful_timeout, [this, &worker] { hurry(worker); });
  nudge_later();  // it may have been woken for a request that it does not take any more
  events_.capacity_changed();
}

void Generation::hurry(const Worker& worker) {
  front_.log().warning("Worker (pid: {}) has not left within {} s; killing it", worker.pid,
                       to_seconds(options_.graceful_timeout));
  send_signal(worker.pidfd, SIGKILL);
}

// Deaths.

/// The process is gone, whatever the reason: first what it had committed, then what it left undone.
void Generation::worker_died(unsigned index) {
  Worker& worker = workers_[index];
  worker.death_watch.reset();
  read_control(index, kMessagesAll);
  worker.control_watch.reset();
  worker.timer.reset();
  worker.state = Worker::State::kDead;
  const auto sink = [this](std::uint32_t s, const channel::Record& r) { return take(s, r); };
  const auto ignore = [](std::uint32_t) {};
  for (unsigned thread = 0; thread < options_.threads; ++thread) {
    channel_.drain_server(server_of(index, thread), sink, ignore);
  }
  for (unsigned thread = 0; thread < options_.threads; ++thread) {
    const std::uint32_t server = server_of(index, thread);
    for (const channel::Ticket ticket : channel_.owned_by(server)) {
      worker.ran = true;
      end_job(ticket);
    }
    channel_.forget(server);
  }
  channel_.rehint();
  ::waitpid(worker.pid, nullptr, WNOHANG);  // ours only if its zygote died first
  events_.capacity_changed();
  if (!zygote_) {
    worker.state = Worker::State::kNone;
    maybe_gone();
  }
}

/// A server died with this request in its hands.
void Generation::end_job(channel::Ticket ticket) {
  Job& job = jobs_[ticket.slot];
  if (job.exchange != nullptr) {
    begun(*job.exchange);  // who had it, and since when, for the log
  }
  front::Exchange* exchange = job.exchange;
  job = {};
  channel_.finish(ticket);
  front::Dispatcher& dispatcher = front_.dispatcher();
  if (exchange == nullptr) {
    return dispatcher.server_free(std::nullopt);
  }
  const std::string_view method = exchange->head.method;
  const bool safe = method == "GET" || method == "HEAD" || method == "OPTIONS";
  if (safe && !exchange->answering && !exchange->abandoned && exchange->attempts < 2 &&
      !dispatcher.refusing()) {
    exchange->started = {};
    exchange->worker_pid = 0;
    return dispatcher.put_back(*exchange);
  }
  exchange->ended = Clock::now();
  dispatcher.answered(*exchange);
  dispatcher.server_free(std::nullopt);
  // Who ran too long has its answer already: this is a neighbour, or the worker died by itself.
  const front::Reason reason = front::Reason::kWorkerDied;
  exchange->answering ? exchange->sink.abort(reason) : exchange->sink.lost(reason);
}

/// How a worker ended, told by the zygote after the pidfd told that it did.
void Generation::worker_status(pid_t pid, int wait_status) {
  const auto found = std::ranges::find(workers_, pid, &Worker::pid);
  if (found == workers_.end() || pid == 0) {
    return;
  }
  Worker& worker = *found;
  const auto index = static_cast<unsigned>(found - workers_.begin());
  if (worker.state != Worker::State::kDead) {
    worker_died(index);
  }
  const Worker dead = std::exchange(worker, Worker());
  show_traceback(index, pid);
  if (retiring_ || dead.dismissed) {
    front_.log().info("Worker exiting (pid: {})", pid);
    return retiring_ ? maybe_gone() : balance();
  }
  const int code = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 0;
  if (!booted_ && dead.boot_timed_out) {
    return boot_failed(kExitBoot);
  }
  const bool was_ready = dead.ready_at != TimePoint{};  // then the code is the application's own
  if (!booted_ && !was_ready && (code == kExitBoot || code == kExitApp)) {
    return boot_failed(code);
  }
  front_.log().error("Worker (pid: {}) {}", pid, describe_end(dead, wait_status));
  front_.metrics().restarts_crash += dead.timed_out_at != TimePoint{} || dead.over_memory ? 0 : 1;
  replace(dead.ran || is_proven(dead));
}

std::string Generation::describe_end(const Worker& dead, int wait_status) {
  if (!dead.killed_for.empty()) {
    return format("was killed: {}; starting another", dead.killed_for);
  }
  std::string text = describe(wait_status) + "; starting another";
  if (!WIFSIGNALED(wait_status) || WTERMSIG(wait_status) != SIGKILL) {
    return text;
  }
  const std::optional<std::uint64_t> before = std::exchange(oom_kills_, read_oom_kills());
  if (!oom_kills_ || !before) {
    text += ". Maybe it was the kernel's OOM killer: see dmesg";
  } else if (*oom_kills_ > *before) {
    text += format(". Out of memory: the kernel's OOM killer has taken {} of this control group",
                   *oom_kills_ - *before);
  }
  return text;
}

/// At once if it had served; ever more slowly while workers die before they can.
void Generation::replace(bool proven) {
  if (!proven) {
    in_doubt_ = in_doubt_ || count(Worker::State::kReady) == 0;
    fork_later();
    if (++deaths_in_a_row_ >= kCrashLoop) {
      front_.log().error(
          "{} workers in a row have died before they ran a request: see above what they said, and "
          "the kernel's log (dmesg). Next one in {} s",
          deaths_in_a_row_, to_seconds(restart_delay_));
    }
    return;
  }
  deaths_in_a_row_ = 0;
  in_doubt_ = false;
  restart_delay_ = Duration{0};
  timer_.cancel();
  balance();
}

void Generation::zygote_exited(int wait_status) {
  zygote_.reset();
  for (Worker& worker : workers_) {
    const bool unborn = worker.state == Worker::State::kStarting && !worker.pidfd;
    if (worker.state == Worker::State::kDead || unborn) {
      worker = Worker();  // nobody will tell any more how it ended
    }
  }
  if (!retiring_) {
    front_.log().error("The zygote {}", describe(wait_status));
    if (!ever_ready_) {
      return boot_failed(WIFEXITED(wait_status) && WEXITSTATUS(wait_status) != 0
                             ? WEXITSTATUS(wait_status)
                             : kExitBoot);
    }
  }
  events_.capacity_changed();
  if (!retiring_) {
    events_.orphaned();
  }
  maybe_gone();
}

}  // namespace forebay::workers
