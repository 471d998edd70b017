#include "workers/generation.h"

#include <signal.h>

#include <algorithm>

#include "base/pidfd.h"
#include "base/text.h"
#include "queue/queue.h"
#include "workers/oom_kills.h"

namespace forebay::workers {

Result<std::unique_ptr<Generation>> Generation::start(front::Front& front, const Options& options,
                                                      unsigned wanted, int life, Events events) {
  Result<channel::FrontEnd> channel = channel::FrontEnd::create(
      channel::Geometry::for_servers(options.seats() * options.threads, queue::kTopUpMax));
  if (!channel) {
    return std::unexpected(channel.error());
  }
  Result<Tracebacks> tracebacks = Tracebacks::create();
  if (!tracebacks) {
    return std::unexpected(tracebacks.error());
  }
  std::unique_ptr<Generation> generation(new Generation(front, options, wanted, std::move(*channel),
                                                        std::move(*tracebacks), std::move(events)));
  Result<std::unique_ptr<Zygote>> zygote =
      Zygote::spawn(front.loop(), options,
                    {generation->channel_.memfd(), generation->channel_.wake_fd(), life,
                     generation->tracebacks_.fd()},
                    generation->zygote_events());
  if (!zygote) {
    return std::unexpected(zygote.error());
  }
  generation->zygote_ = std::move(*zygote);
  generation->watch_preload();
  return generation;
}

Generation::Generation(front::Front& front, const Options& options, unsigned wanted,
                       channel::FrontEnd channel, Tracebacks tracebacks, Events events)
    : front_(front),
      options_(options),
      channel_(std::move(channel)),
      tracebacks_(std::move(tracebacks)),
      events_(std::move(events)),
      wanted_(wanted),
      workers_(options.seats()),
      jobs_(channel_.slots()),
      control_buffer_(channel::kControlTextMax),
      timer_(front.loop()),
      memory_timer_(front.loop()),
      nudge_timer_(front.loop()),
      oom_kills_(read_oom_kills()) {
  wake_watch_.emplace(front_.loop(), channel_.wake_fd(), [this] {
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t ignored = ::read(channel_.wake_fd(), &count, sizeof(count));
  });
  front_.loop().add(*this);
  if (options_.worker_memory_max != 0) {
    watch_memory();
  }
}

Generation::~Generation() {
  front_.loop().remove(*this);
  kill_workers(SIGKILL);
}

Zygote::Events Generation::zygote_events() {
  return {
      .ready =
          [this] {
            retiring_ ? void() : timer_.cancel();
            balance();
          },
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
  worker.killed_for = "it broke the channel's rules";
  if (worker.pidfd) {
    send_signal(worker.pidfd, SIGKILL);
  }
}

bool Generation::ready() const {
  return std::ranges::any_of(workers_, [this](const Worker& worker) {
    return worker.state == Worker::State::kReady && (!in_doubt_ || is_proven(worker));
  });
}

std::size_t Generation::servers() const { return count(Worker::State::kReady) * options_.threads; }

std::size_t Generation::finishing() const {
  std::size_t requests = 0;
  for (unsigned i = 0; i < workers_.size(); ++i) {
    requests += workers_[i].state == Worker::State::kLeaving ? running(i) : 0;
  }
  return requests;
}

std::size_t Generation::running(unsigned index) const {
  std::size_t requests = 0;
  for (unsigned thread = 0; thread < options_.threads; ++thread) {
    requests += channel_.owned_by(server_of(index, thread)).size();
  }
  return requests;
}

front::WorkerCounts Generation::count_workers() const {
  front::WorkerCounts counts;
  for (unsigned i = 0; i < workers_.size(); ++i) {
    if (workers_[i].state == Worker::State::kReady) {
      ++(retiring_ ? counts.stopping : running(i) != 0 ? counts.busy : counts.idle);
    } else if (workers_[i].state == Worker::State::kStarting) {
      ++counts.starting;
    } else if (workers_[i].state == Worker::State::kLeaving) {
      ++counts.stopping;
    }
  }
  return counts;
}

}  // namespace forebay::workers
