#include "load/attack.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/text.h"
#include "load/exporter.h"
#include "load/hit_metrics.h"
#include "load/sender.h"
#include "net/loop.h"
#include "net/watch.h"

namespace forebay::load {
namespace {

constexpr Duration kWatchEvery = std::chrono::milliseconds(200);
/// Time for the threads to begin before the first hit is due.
constexpr Duration kHeadStart = std::chrono::milliseconds(5);
/// One thread keeps up with so many hits a second, with time to spare.
constexpr double kHitsPerThread = 20'000;
/// A bound of memory: who has more under way is waited for, and the wait is on the clock.
constexpr std::uint64_t kUnderWayMax = 1'000'000;
/// Descriptors for other things than connections.
constexpr std::uint64_t kOtherDescriptors = 64;

/// As many descriptors as may be had.
std::uint64_t raise_descriptor_limit() {
  rlimit limit{};
  CHECK(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  CHECK(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  return limit.rlim_cur;
}

Duration cpu_time() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto duration = [](const timeval& time) {
    return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
  };
  return duration(usage.ru_utime) + duration(usage.ru_stime);
}

Result<Fd> open_output(const std::string& path) {
  if (path == "stdout" || path == "-") {
    return Fd(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0));
  }
  Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!file) {
    return fail_errno(format("write to {}", path));
  }
  return file;
}

/// False also if nobody knows yet.
bool some_https(Targets& targets) {
  Target room;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const Result<const Target*> target = targets.at(i, room);
    if (target && *target != nullptr && (*target)->url.starts_with("https:")) {
      return true;
    }
  }
  return false;
}

/// Part `index` of a limit that is shared by `count`; at least 1.
std::uint64_t share(std::uint64_t limit, unsigned index, unsigned count) {
  return std::max<std::uint64_t>(1, (limit / count) + (index < limit % count ? 1 : 0));
}

std::string closed_loop_text(const AttackOptions& options) {
  std::string text = format("closed loop, {} at a time", options.workers_max);
  if (options.requests) {
    text += format(", {} requests", *options.requests);
  }
  if (options.schedule.duration) {
    text += format(", {} s", to_seconds(*options.schedule.duration));
  }
  return text;
}

/// SIGINT and SIGTERM as something to read, in this thread and those it makes; SIGPIPE is an error
/// of write(2).
class Signals {
 public:
  Signals() {
    ::sigemptyset(&mask_);
    ::sigaddset(&mask_, SIGINT);
    ::sigaddset(&mask_, SIGTERM);
    ::sigaddset(&mask_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &mask_, &before_);
    ::sigdelset(&mask_, SIGPIPE);
    fd_.reset(::signalfd(-1, &mask_, SFD_CLOEXEC | SFD_NONBLOCK));
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  ~Signals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  [[nodiscard]] int fd() const { return fd_.get(); }
  /// How many came.
  [[nodiscard]] int read() const {
    int count = 0;
    signalfd_siginfo info{};
    while (::read(fd_.get(), &info, sizeof(info)) == sizeof(info)) {
      ++count;
    }
    return count;
  }

 private:
  sigset_t mask_{};
  sigset_t before_{};
  Fd fd_;
};

/// Wall clock and monotonic clock are read once; a step of the wall clock changes nothing later.
void set_start(Plan& plan, const std::optional<std::int64_t>& start_at_ns) {
  const std::int64_t wall_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(
                                   std::chrono::system_clock::now().time_since_epoch())
                                   .count();
  const TimePoint now = Clock::now();
  plan.start_ns = start_at_ns.value_or(wall_ns + kHeadStart.count());
  plan.start = now + Duration(plan.start_ns - wall_ns);
}

/// The threads of an attack, and the loop that waits for them.
class Crew {
 public:
  Crew(const AttackOptions& options, Plan& plan, const AttackHooks& hooks, Fd output,
       unsigned threads, std::uint64_t descriptors);

  Result<Run> run(Run run);

 private:
  void start();
  void signalled();
  void thread_is_over();
  void watch();
  std::function<void(const Hit&)> looker();
  [[nodiscard]] Snapshot snapshot() const;

  const AttackHooks& hooks_;
  const AttackOptions& options_;
  Plan& plan_;
  Signals signals_;
  net::Loop loop_;
  Fd over_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  net::Watch over_watch_{loop_, over_.get(), [this] { thread_is_over(); }};
  net::Watch signal_watch_{loop_, signals_.fd(), [this] { signalled(); }};
  net::Timer watch_timer_{loop_};
  HitMetrics metrics_;
  std::unique_ptr<Exporter> exporter_;
  Collector collector_;
  std::vector<ClientOptions> client_options_;
  std::vector<std::unique_ptr<Sender>> senders_;
  std::vector<std::thread> threads_;
  std::optional<std::uint64_t> hits_;
  std::size_t running_ = 0;
  int signals_seen_ = 0;
};

Crew::Crew(const AttackOptions& options, Plan& plan, const AttackHooks& hooks, Fd output,
           unsigned threads, std::uint64_t descriptors)
    : hooks_(hooks),
      options_(options),
      plan_(plan),
      collector_({.output = std::move(output),
                  .name = options.output,
                  .encoding = options.encoding,
                  .look = looker(),
                  .failed = [this] {
                    for (const auto& sender : senders_) {
                      sender->abort();
                    }
                  }}) {
  const std::uint64_t connections =
      std::min(descriptors, options.client.connections_max == 0
                                ? descriptors
                                : std::uint64_t{options.client.connections_max});
  const std::uint64_t under_way = std::min(options.workers_max, kUnderWayMax);
  client_options_.reserve(threads);  // the senders keep references
  for (unsigned i = 0; i < threads; ++i) {
    client_options_.push_back(options.client);
    client_options_.back().connections_max = share(connections, i, threads);
    client_options_.back().tls_expected = some_https(*plan.targets);
    senders_.push_back(
        std::make_unique<Sender>(plan, collector_, i, threads, share(under_way, i, threads)));
  }
}

std::function<void(const Hit&)> Crew::looker() {
  if (!options_.prometheus) {
    return hooks_.hit;
  }
  return [this](const Hit& hit) {
    metrics_.add(hit);
    if (hooks_.hit) {
      hooks_.hit(hit);
    }
  };
}

Result<Run> Crew::run(Run run) {
  if (options_.prometheus) {
    auto exporter = Exporter::open(loop_, *options_.prometheus, metrics_);
    if (!exporter) {
      return std::unexpected(exporter.error());
    }
    exporter_ = std::move(*exporter);
  }
  for (std::size_t i = 0; i < senders_.size(); ++i) {
    if (const Result<void> prepared = senders_[i]->prepare(client_options_[i]); !prepared) {
      return std::unexpected(prepared.error());
    }
  }
  const Duration cpu = cpu_time();
  set_start(plan_, options_.start_at_ns);
  run.start_ns = plan_.start_ns;
  hits_ = run.hits;
  collector_.begin(run);
  start();
  watch();
  loop_.run();
  for (std::thread& thread : threads_) {
    thread.join();
  }
  Snapshot end = snapshot();
  run.ended = true;
  run.interrupted = signals_seen_ > 0 && run.hits && end.released < *run.hits;
  run.released = end.released;
  run.connections = end.connections;
  run.elapsed = end.elapsed;
  run.cpu = cpu_time() - cpu;
  if (collector_.held_up()) {
    run.invalid.emplace_back("the results were not taken as fast as they came");
  }
  const Result<void> written = collector_.end(run);
  if (hooks_.watch) {
    end.over = true;
    end.unwritten = 0;
    hooks_.watch(end);
  }
  for (const auto& sender : senders_) {
    if (sender->error()) {
      return std::unexpected(*sender->error());
    }
  }
  if (!written) {
    return std::unexpected(written.error());
  }
  return run;
}

void Crew::start() {
  running_ = senders_.size();
  for (const auto& sender : senders_) {
    threads_.emplace_back([this, &sender = *sender] {
      sender.run();
      const std::uint64_t one = 1;
      CHECK(::write(over_.get(), &one, sizeof(one)) == sizeof(one));
    });
  }
}

void Crew::signalled() {
  signals_seen_ += signals_.read();
  for (const auto& sender : senders_) {
    signals_seen_ == 1 ? sender->stop() : sender->abort();
  }
}

void Crew::thread_is_over() {
  std::uint64_t count = 0;
  if (::read(over_.get(), &count, sizeof(count)) == sizeof(count)) {
    running_ -= count;
  }
  if (running_ == 0) {
    loop_.stop();
  }
}

void Crew::watch() {
  if (hooks_.watch) {
    watch_timer_.after(kWatchEvery, [this] {
      hooks_.watch(snapshot());
      watch();
    });
  }
}

Snapshot Crew::snapshot() const {
  Snapshot all;
  all.hits = hits_;
  all.elapsed = std::max(Duration{0}, Clock::now() - plan_.start);
  for (const auto& sender : senders_) {
    const Progress progress = sender->progress();
    all.released += progress.released;
    all.done += progress.done;
    all.connections += progress.connections;
  }
  all.unwritten = collector_.waiting();
  return all;
}

unsigned threads_for(const AttackOptions& options) {
  unsigned threads = options.threads;
  const unsigned cpus = std::max(1U, std::thread::hardware_concurrency());
  if (threads == 0) {
    const Rate& rate = options.schedule.rate;
    const double wanted =
        rate.hits == 0
            ? 1
            : 1 + (static_cast<double>(rate.hits) / to_seconds(rate.per) / kHitsPerThread);
    threads = std::clamp(static_cast<unsigned>(std::min(wanted, 1e3)), 1U, cpus);
  }
  const std::uint64_t connections_max =
      options.client.connections_max == 0 ? threads : options.client.connections_max;
  return static_cast<unsigned>(
      std::min({std::uint64_t{threads}, options.workers_max, connections_max}));
}

}  // namespace

Result<Run> attack(const AttackOptions& options, const AttackHooks& hooks) {
  Result<Targets> targets = Targets::open(options.targets);
  if (!targets) {
    return std::unexpected(targets.error());
  }
  Run run;
  Plan plan;
  if (options.schedule.rate.hits != 0) {
    Result<Schedule> schedule = Schedule::make(options.schedule);
    if (!schedule) {
      return std::unexpected(schedule.error());
    }
    run.schedule = schedule->text();
    run.schedule_hash = schedule->hash();
    if (const auto count = schedule->count()) {
      run.hits = (*count + options.shards - 1 - options.shard) / options.shards;
    }
    plan.schedule = std::move(*schedule);
  } else {
    run.closed_loop = true;
    run.concurrency = options.workers_max;
    run.schedule = closed_loop_text(options);
    run.hits = options.requests;
  }
  Result<Fd> output = options.write ? open_output(options.output) : Fd();
  if (!output) {
    return std::unexpected(output.error());
  }
  const std::uint64_t descriptors = raise_descriptor_limit();
  if (descriptors <= kOtherDescriptors) {
    return fail(
        format("this process may open {} descriptors, and an attack needs more than {}: "
               "raise the limit (ulimit -n)",
               descriptors, kOtherDescriptors));
  }
  plan.name = run.name = options.client.name;
  plan.targets = &*targets;
  plan.pacing = options.pacing;
  plan.shard = run.shard = options.shard;
  plan.shards = run.shards = options.shards;
  plan.hits = options.requests;
  plan.duration = options.schedule.duration;
  return Crew(options, plan, hooks, std::move(*output), threads_for(options),
              descriptors - kOtherDescriptors)
      .run(std::move(run));
}

}  // namespace forebay::load
