#include "workers/generation.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/pidfd.h"
#include "base/text.h"
#include "queue/queue.h"

namespace forebay::workers {
namespace {

/// Between the deaths of workers that never got ready.
constexpr Duration kRestartDelayFirst = std::chrono::milliseconds(100);
constexpr Duration kRestartDelayMax = std::chrono::seconds(10);
/// Of a worker's control socket: those read at once, and more than can wait in a socket.
constexpr unsigned kMessagesPerTurn = 16;
constexpr unsigned kMessagesAll = 4096;
/// gunicorn's exit codes for a worker that cannot boot: import failed, application unusable.
constexpr int kExitBoot = 3;
constexpr int kExitApp = 4;

std::string describe(int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    return format("was killed by signal {} ({})", WTERMSIG(wait_status),
                  ::sigabbrev_np(WTERMSIG(wait_status)));
  }
  return format("exited with code {}", WEXITSTATUS(wait_status));
}

}  // namespace

Result<std::unique_ptr<Generation>> Generation::start(front::Front& front, const Options& options,
                                                      int life, Events events) {
  Result<channel::FrontEnd> channel = channel::FrontEnd::create(
      channel::Geometry::for_servers(options.servers(), queue::kTopUpMax));
  if (!channel) {
    return std::unexpected(channel.error());
  }
  std::unique_ptr<Generation> generation(
      new Generation(front, options, std::move(*channel), std::move(events)));
  Result<std::unique_ptr<Zygote>> zygote = Zygote::spawn(
      front.loop(), options, {generation->channel_.memfd(), generation->channel_.wake_fd(), life},
      generation->zygote_events());
  if (!zygote) {
    return std::unexpected(zygote.error());
  }
  generation->zygote_ = std::move(*zygote);
  return generation;
}

Generation::Generation(front::Front& front, const Options& options, channel::FrontEnd channel,
                       Events events)
    : front_(front),
      options_(options),
      channel_(std::move(channel)),
      events_(std::move(events)),
      workers_(options.workers),
      jobs_(channel_.slots()),
      control_buffer_(channel::kControlTextMax),
      timer_(front.loop()),
      nudge_timer_(front.loop()) {
  wake_watch_.emplace(front_.loop(), channel_.wake_fd(), [this] {
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t ignored = ::read(channel_.wake_fd(), &count, sizeof(count));
  });
  front_.loop().add(*this);
}

Generation::~Generation() {
  front_.loop().remove(*this);
  kill_workers(SIGKILL);
}

Zygote::Events Generation::zygote_events() {
  return {
      .ready = [this] { fork_missing(); },
      .born = [this](unsigned worker, pid_t pid,
                     Fd pidfd) { worker_born(worker, pid, std::move(pidfd)); },
      .unborn = [this](unsigned worker) { worker_unborn(worker); },
      .died = [this](pid_t pid, int status) { worker_status(pid, status); },
      .log =
          [this](int level, std::string_view text) {
            front_.log().line(static_cast<LogLevel>(level), text, zygote_ ? zygote_->pid() : 0);
          },
      .exited = [this](int status) { zygote_exited(status); },
  };
}

// Births.

void Generation::fork_missing() {
  for (unsigned i = 0; i < workers_.size() && zygote_ && !retiring_; ++i) {
    if (workers_[i].state == Worker::State::kNone) {
      fork_worker(i);
    }
  }
}

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
  if (const Result<void> asked = zygote_->fork_worker(index, theirs); !asked) {
    front_.log().error("cannot fork a worker: {}", asked.error().message);
    worker = Worker();
    return fork_later();
  }
  worker.control_watch.emplace(front_.loop(), pair[0],
                               [this, index] { read_control(index, kMessagesPerTurn); });
}

void Generation::fork_later() {
  restart_delay_ = std::clamp(restart_delay_ * 2, kRestartDelayFirst, kRestartDelayMax);
  timer_.after(restart_delay_, [this] { fork_missing(); });
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
    front_.log().error("cannot watch the worker (pid: {}): no descriptor left; killing it", pid);
    ::kill(pid, SIGKILL);
    return;
  }
  worker.pidfd = std::move(pidfd);
  worker.death_watch.emplace(front_.loop(), worker.pidfd.get(),
                             [this, index] { worker_died(index); });
  if (killed_) {
    send_signal(worker.pidfd, SIGKILL);
  }
  front_.log().info("Booting worker with pid: {}", pid);
}

void Generation::worker_ready(unsigned index) {
  workers_[index].state = Worker::State::kReady;
  workers_[index].has_served = true;
  ever_ready_ = true;
  events_.capacity_changed();
  if (!booted_ && !retiring_ && servers() == options_.servers()) {
    booted_ = true;
    events_.booted();
  }
}

// Deaths.

/// The process is gone, whatever the reason: first what it had committed, then what it left undone.
void Generation::worker_died(unsigned index) {
  Worker& worker = workers_[index];
  worker.death_watch.reset();
  read_control(index, kMessagesAll);
  worker.control_watch.reset();
  worker.state = Worker::State::kDead;
  const auto sink = [this](std::uint32_t s, const channel::Record& r) { return take(s, r); };
  const auto ignore = [](std::uint32_t) {};
  for (unsigned server = index; server < options_.servers(); server += options_.workers) {
    channel_.drain_server(server, sink, ignore);
  }
  for (unsigned server = index; server < options_.servers(); server += options_.workers) {
    for (const channel::Ticket ticket : channel_.owned_by(server)) {
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
  const bool timed_out = worker.timed_out;
  const bool has_served = worker.has_served;
  worker = Worker();
  if (retiring_) {
    front_.log().info("Worker exiting (pid: {})", pid);
    return maybe_gone();
  }
  const int code = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 0;
  if (!booted_ && (code == kExitBoot || code == kExitApp)) {
    return boot_failed(code);
  }
  front_.log().error("Worker (pid: {}) {}; starting another", pid,
                     timed_out ? "was killed: a request ran too long" : describe(wait_status));
  ++(timed_out ? front_.metrics().restarts_timeout : front_.metrics().restarts_crash);
  replace(index, has_served);
}

/// At once if it had served; ever more slowly while workers die before they can.
void Generation::replace(unsigned index, bool has_served) {
  if (has_served) {
    restart_delay_ = Duration{0};
    return fork_worker(index);
  }
  fork_later();
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

void Generation::boot_failed(int exit_code) {
  boot_exit_code_ = exit_code;
  retiring_ = true;
  kill_workers(SIGKILL);
  maybe_gone();
}

void Generation::retire(Duration patience) {
  if (retiring_) {
    return;
  }
  retiring_ = true;
  return_unclaimed();
  maybe_gone();
  timer_.after(patience, [this] {
    kill_workers(SIGKILL);
    if (zygote_) {
      zygote_->kill();  // it may hang in the import of --preload
    }
  });
}

/// Nobody here is to claim them any more: they go back to the head of the queue, in their order.
void Generation::return_unclaimed() {
  std::vector<front::Exchange*> unclaimed;
  for (Job& job : jobs_) {
    if (job.exchange != nullptr &&
        channel_.cancel(channel::Ticket::unpack(job.exchange->backend_ticket))) {
      unclaimed.push_back(std::exchange(job.exchange, nullptr));
    }
  }
  std::ranges::sort(unclaimed, std::ranges::greater(), &front::Exchange::queued);
  for (front::Exchange* exchange : unclaimed) {
    front_.dispatcher().put_back(*exchange);
  }
}

void Generation::kill_workers(int signal) {
  killed_ = true;
  for (const Worker& worker : workers_) {
    if (worker.pidfd && worker.state != Worker::State::kDead) {
      send_signal(worker.pidfd, signal);
    }
  }
}

/// Closes the channel when a retiring generation has nothing left to do, then waits for its
/// workers, then for its zygote.
void Generation::maybe_gone() {
  if (!retiring_) {
    return;
  }
  if (!closed_ && channel_.outstanding() == 0) {
    closed_ = true;
    channel_.close();
  }
  const bool workers_left = std::ranges::any_of(
      workers_, [](const Worker& worker) { return worker.state != Worker::State::kNone; });
  if (workers_left) {
    return;
  }
  if (zygote_) {
    return zygote_->quit();
  }
  end_rest();
  timer_.cancel();
  events_.gone(boot_exit_code_);
}

/// What nobody is left to answer: a worker can write into any slot that it was somebody else's.
void Generation::end_rest() {
  for (Job& job : jobs_) {
    if (job.exchange != nullptr) {
      end_job(channel::Ticket::unpack(job.exchange->backend_ticket));
    } else if (job.started != TimePoint{}) {
      job = {};
      front_.dispatcher().server_free(std::nullopt);
    }
  }
}

// The control socket.

/// What is left is read in a later turn: a worker that says very much must not keep the front from
/// everybody else.
void Generation::read_control(unsigned index, unsigned messages_max) {
  while (messages_max > 0 && read_message(index)) {
    --messages_max;
  }
}

/// False: there is none now.
bool Generation::read_message(unsigned index) {
  if (!workers_[index].control) {
    return false;
  }
  Result<std::optional<channel::ControlMessage>> message =
      channel::receive_control(workers_[index].control.get(), control_buffer_);
  if (!message) {
    workers_[index].control_watch.reset();  // its end: the pidfd tells
    return false;
  }
  if (!*message) {
    return false;
  }
  if (!handle_control(index, std::move(**message))) {
    corrupt(index);
  }
  return true;
}

bool Generation::handle_control(unsigned index, channel::ControlMessage message) {
  Worker& worker = workers_[index];
  switch (message.header.kind) {
    case channel::ControlKind::kReady:
      if (worker.state == Worker::State::kStarting) {
        worker_ready(index);
      }
      return true;
    case channel::ControlKind::kLog:
      message.header.value == 0 ? front_.log().raw(message.text)
                                : front_.log().line(static_cast<LogLevel>(message.header.value),
                                                    message.text, worker.pid);
      return true;
    case channel::ControlKind::kFile:
      worker.files[message.header.ticket.pack()] = std::move(message.fd);
      // Of requests whose records are still in the rings: it may have finished several meanwhile.
      return worker.files.size() <= jobs_.size();
    case channel::ControlKind::kWantBody:
      give_body(index, message.header.ticket);
      return true;
    case channel::ControlKind::kBody:
      return false;
  }
  return false;
}

void Generation::give_body(unsigned index, channel::Ticket ticket) {
  Fd body;
  if (ticket.slot < jobs_.size() && jobs_[ticket.slot].exchange != nullptr &&
      jobs_[ticket.slot].exchange->backend_ticket == ticket.pack() &&
      jobs_[ticket.slot].exchange->body.file()) {
    Result<Fd> copy = jobs_[ticket.slot].exchange->body.file()->reopen();
    if (copy) {
      body = std::move(*copy);
    } else {
      front_.log().error("a worker gets no request body: {}", copy.error().message);
    }
  }
  (void)channel::send_control(workers_[index].control.get(),
                              {channel::ControlKind::kBody, 0, ticket}, {}, body.get());
}

void Generation::corrupt(std::uint32_t server) {
  Worker& worker = workers_[worker_of(server)];
  front_.log().error("Worker (pid: {}) broke the channel's rules; killing it", worker.pid);
  if (worker.pidfd) {
    send_signal(worker.pidfd, SIGKILL);
  }
}

std::size_t Generation::servers() const {
  const auto ready = std::ranges::count(workers_, Worker::State::kReady, &Worker::state);
  return static_cast<std::size_t>(ready) * options_.threads;
}

front::WorkerCounts Generation::count_workers() const {
  front::WorkerCounts counts;
  std::vector<bool> busy(workers_.size());
  for (std::uint32_t server = 0; server < options_.servers(); ++server) {
    busy[worker_of(server)] = busy[worker_of(server)] || !channel_.owned_by(server).empty();
  }
  for (unsigned i = 0; i < workers_.size(); ++i) {
    if (workers_[i].state == Worker::State::kReady) {
      ++(retiring_ ? counts.stopping : busy[i] ? counts.busy : counts.idle);
    } else if (workers_[i].state == Worker::State::kStarting) {
      ++counts.starting;
    }
  }
  return counts;
}

}  // namespace forebay::workers
