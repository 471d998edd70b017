#include "cli/stop_sequence.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace forebay::cli {
namespace {

/// After the killing, for answers to reach their clients.
constexpr std::chrono::seconds kLastWords{2};

Fd open_signals() {
  sigset_t wanted;
  ::sigemptyset(&wanted);
  for (const int signal :
       {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2, SIGWINCH, SIGCHLD}) {
    ::sigaddset(&wanted, signal);
  }
  ::sigprocmask(SIG_BLOCK, &wanted, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);  // a file limit: an error of write(2), not our end
  return Fd(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
}

}  // namespace

StopSequence::StopSequence(front::Front& front, workers::Pool& pool, ServiceManager& manager,
                           Duration graceful_timeout)
    : front_(front),
      pool_(pool),
      manager_(manager),
      graceful_timeout_(graceful_timeout),
      signals_(open_signals()),
      watch_(front.loop(), signals_.get(), [this] { signalled(); }),
      timer_(front.loop()) {}

void StopSequence::signalled() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof(info)) == sizeof(info)) {
    handle(static_cast<int>(info.ssi_signo));
  }
}

void StopSequence::handle(int signal) {
  if (signal == SIGCHLD) {
    return pool_.reap_orphans();
  }
  front_.log().info("Handling signal: {}", ::sigabbrev_np(signal));
  switch (signal) {
    case SIGHUP:
      manager_.reloading();
      return pool_.reload();
    case SIGTTIN:
      return pool_.change_workers(1);
    case SIGTTOU:
      return pool_.change_workers(-1);
    case SIGUSR1:
      return front_.reopen_logs();
    case SIGTERM:
      return phase_ == Phase::kServing ? stop_gracefully() : void();
    case SIGINT:
    case SIGQUIT:
      return phase_ == Phase::kHurrying ? stop_loop() : stop_now();
    default:
      front_.log().warning("SIG{} is not offered: nothing is done", ::sigabbrev_np(signal));
  }
}

void StopSequence::stop_gracefully() {
  manager_.stopping();
  phase_ = Phase::kDraining;
  timer_.after(graceful_timeout_, [this] { refuse_rest(); });
  front_.drain([this] { drained(); });
}

void StopSequence::stop_now() {
  manager_.stopping();
  const bool draining = phase_ == Phase::kDraining;
  phase_ = Phase::kHurrying;
  refuse_rest();
  if (!draining) {
    front_.drain([this] { drained(); });
  }
}

/// The time is over: what waits is refused, what runs is killed, and its clients get an answer.
void StopSequence::refuse_rest() {
  phase_ = Phase::kHurrying;
  front_.dispatcher().refuse_waiting();
  pool_.kill_workers(SIGKILL);
  timer_.after(kLastWords, [this] { stop_loop(); });
}

void StopSequence::drained() {
  // A timer that was set for the clients now runs for the workers.
  pool_.stop(graceful_timeout_, [this] { stop_loop(); });
}

void StopSequence::stop_loop() { front_.loop().stop(); }

}  // namespace forebay::cli
