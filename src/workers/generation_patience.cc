// How long requests and boots may take, and what becomes of the workers that exceed it.

#include <signal.h>

#include <algorithm>

#include "base/pidfd.h"
#include "base/text.h"
#include "workers/generation.h"

namespace forebay::workers {
namespace {

/// For a process to write its traceback, which takes it about a millisecond.
constexpr std::chrono::milliseconds kTraceback{100};

}  // namespace

/// The client gets its 504 now; the server counts as busy until its process is gone. Who has been
/// answered and goes on and on costs its worker just the same.
void Generation::check_timeouts(TimePoint now) {
  for (Job& job : jobs_) {
    if (job.exchange != nullptr) {
      begun(*job.exchange);
    }
    if (job.started == TimePoint{} || now - job.started < options_.timeout) {
      continue;
    }
    time_out(job, now);
    if (job.exchange == nullptr) {
      continue;
    }
    front::Exchange& exchange = *std::exchange(job.exchange, nullptr);
    exchange.ended = now;
    front_.dispatcher().answered(exchange);
    exchange.answering ? exchange.sink.abort(front::Reason::kWorkerTimeout)
                       : exchange.sink.lost(front::Reason::kWorkerTimeout);
  }
  for (unsigned i = 0; i < workers_.size(); ++i) {
    end_timed_out(i, now);
  }
}

bool Generation::has_timed_out_workers() const {
  return std::ranges::any_of(workers_, [](const Worker& worker) {
    return worker.pidfd && worker.timed_out_at != TimePoint{};
  });
}

/// Its worker gets no request any more, another one starts in its place, and it is asked what it
/// does.
void Generation::time_out(const Job& job, TimePoint now) {
  Worker& worker = workers_[job.worker];
  if (!worker.pidfd || worker.timed_out_at != TimePoint{}) {
    return;
  }
  worker.timed_out_at = now;
  worker.killed_for = "a request ran too long";
  ++front_.metrics().restarts_timeout;
  const front::Exchange* exchange = job.exchange;
  const Duration waited = exchange == nullptr ? Duration{0} : job.started - exchange->queued;
  front_.log().error(
      "WORKER TIMEOUT (pid:{}): {} ran for {:.1f} s, more than --timeout, after {:.1f} s in the "
      "queue",
      worker.pid,
      exchange == nullptr ? "a request that has its answer"
                          : format("{} {}", exchange->head.method, exchange->head.target),
      to_seconds(now - job.started), to_seconds(waited));
  // In this order: what a signal interrupts ends there, and must not begin with the next request.
  send_signal(worker.pidfd, SIGTERM);
  send_signal(worker.pidfd, Tracebacks::signal());
  if (worker.state == Worker::State::kReady) {
    worker.state = Worker::State::kLeaving;
    nudge_later();
    events_.capacity_changed();
    balance();
  }
}

/// What else its threads run may finish within the graceful timeout; then it is killed.
void Generation::end_timed_out(unsigned index, TimePoint now) {
  Worker& worker = workers_[index];
  if (!worker.pidfd || worker.timed_out_at == TimePoint{} ||
      now - worker.timed_out_at < kTraceback) {
    return;
  }
  show_traceback(index, worker.pid);
  const bool neighbours = std::ranges::any_of(jobs_, [index](const Job& job) {
    return job.exchange != nullptr && job.started != TimePoint{} && job.worker == index;
  });
  if (!neighbours || now - worker.timed_out_at > options_.graceful_timeout) {
    send_signal(worker.pidfd, SIGKILL);
  }
}

/// Of a worker by its seat, or, beyond the last seat, of the zygote.
void Generation::show_traceback(unsigned part, pid_t pid) {
  if (const std::string text = tracebacks_.take(part); !text.empty()) {
    front_.log().line(LogLevel::kError, "What it was doing:\n" + text, pid);
  }
}

void Generation::watch_boot(unsigned index) {
  if (options_.boot_timeout == Duration{0}) {
    return;
  }
  Worker& worker = workers_[index];
  worker.timer = std::make_unique<net::Timer>(front_.loop());
  worker.timer->after(options_.boot_timeout, [this, index] { boot_timed_out(index); });
}

void Generation::boot_timed_out(unsigned index) {
  Worker& worker = workers_[index];
  if (!worker.pidfd) {  // the zygote has not forked it yet
    return watch_boot(index);
  }
  front_.log().error("Worker (pid: {}) has not loaded the application within {} s (--boot-timeout)",
                     worker.pid, to_seconds(options_.boot_timeout));
  worker.boot_timed_out = true;
  worker.killed_for = "it did not load the application in time";
  send_signal(worker.pidfd, Tracebacks::signal());
  worker.timer->after(kTraceback, [this, index] {
    show_traceback(index, workers_[index].pid);
    send_signal(workers_[index].pidfd, SIGKILL);
  });
}

/// With --preload it is the zygote that loads the application.
void Generation::watch_preload() {
  if (options_.boot_timeout == Duration{0}) {
    return;
  }
  timer_.after(options_.boot_timeout, [this] {
    if (!zygote_) {
      return;
    }
    front_.log().error("The application is not loaded within {} s (--boot-timeout)",
                       to_seconds(options_.boot_timeout));
    zygote_->show_traceback();
    timer_.after(kTraceback, [this] {
      show_traceback(static_cast<unsigned>(workers_.size()), zygote_ ? zygote_->pid() : 0);
      if (zygote_) {
        zygote_->kill();
      }
    });
  });
}

}  // namespace forebay::workers
