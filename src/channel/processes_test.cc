#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <new>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/fd.h"
#include "channel/front_end.h"
#include "channel/server_end.h"
#include "channel/test_support.h"

// Worker processes die of SIGKILL at random instants while the front keeps every promise.
namespace forebay::channel {
namespace {

constexpr std::uint32_t kWorkers = 4;
constexpr std::uint32_t kSlots = 24;
/// How long one run publishes requests; a longer soak by FOREBAY_SOAK_SECONDS.
constexpr std::chrono::milliseconds kRunTime{900};
constexpr std::chrono::seconds kPatience{60};
/// How long a worker lives at most: long enough for the longest request.
constexpr long kLifeMaxNs = kSanitized ? 200'000'000 : 20'000'000;

/// Shared by all processes of a run, beside the channel: what the workers themselves see.
struct Witness {
  std::atomic<std::uint32_t> running[kSlots];  // worker + 1 while the app runs in this slot
  std::atomic<std::uint64_t> run_twice;
  std::atomic<std::uint64_t> damaged;
};

struct Wanted {
  std::uint64_t id = 0;
  std::uint32_t response_bytes = 0;
};

std::byte pattern(std::uint64_t id, std::uint64_t at) {
  return static_cast<std::byte>(id * 7 + at * 13 + (at >> 8));
}

/// SIGKILL from the kernel's timer: by CLOCK_MONOTONIC it strikes at any instruction, asleep or
/// awake; by CLOCK_PROCESS_CPUTIME_ID awake only, and not before there was time for some work.
void die_after(long ns, clockid_t clock) {
  sigevent kill{};
  kill.sigev_notify = SIGEV_SIGNAL;
  kill.sigev_signo = SIGKILL;
  timer_t timer{};
  CHECK(::timer_create(clock, &kill, &timer) == 0);
  const itimerspec once{{0, 0}, {0, ns}};
  CHECK(::timer_settime(timer, 0, &once, nullptr) == 0);
}

void run_request(ServerEnd& server, std::uint32_t index, const Claimed& claimed, Witness& witness,
                 std::vector<std::byte>& buffer) {
  Wanted wanted;
  std::memcpy(&wanted, claimed.head.data(), sizeof(wanted));
  std::uint32_t nobody = 0;
  std::atomic<std::uint32_t>& running = witness.running[claimed.ticket.slot];
  witness.run_twice += running.compare_exchange_strong(nobody, index + 1) ? 0 : 1;
  for (std::size_t i = 0; i < claimed.body.size(); ++i) {
    witness.damaged += claimed.body[i] == pattern(wanted.id, i) ? 0 : 1;
  }
  for (std::uint64_t sent = 0;;) {
    const std::uint64_t bytes =
        std::min<std::uint64_t>(wanted.response_bytes - sent, sent % 2 == 0 ? 20'001 : 300);
    for (std::uint64_t i = 0; i < bytes; ++i) {
      buffer[i] = pattern(wanted.id, sent + i);
    }
    sent += bytes;
    const bool last = sent == wanted.response_bytes;
    if (last) {
      running.store(0);
    }
    while (!server.try_write(claimed.ticket, RecordType::kBody, last ? kEnd | kDone : 0,
                             {std::span(buffer).first(bytes)})) {
      server.wait_room();
    }
    if (last) {
      return;
    }
  }
}

[[noreturn]] void work(int memfd, int wake_fd, std::uint32_t index, long life_ns,
                       Witness& witness) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  die_after(life_ns, index % 2 == 0 ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID);
  const Region region = Region::attach(memfd).value();
  ServerEnd server(region, index, wake_fd);
  std::vector<std::byte> buffer(kRecordMax);
  for (;;) {
    if (const auto claimed = server.claim()) {
      run_request(server, index, *claimed, witness, buffer);
    } else if (server.closing()) {
      ::_exit(0);
    } else {
      server.wait_ready();
    }
  }
}

/// The front and its supervision, in one thread.
class Supervisor {
 public:
  Supervisor(FrontEnd& channel, Witness& witness) : channel_(channel), witness_(witness) {
    for (std::uint32_t i = 0; i < kWorkers; ++i) {
      start(i);
    }
  }

  /// So long, and on until all that may happen has happened: on a busy machine that takes a while.
  void run(Duration time) {
    const TimePoint end = Clock::now() + time;
    const TimePoint latest = end + kPatience;
    bool open = true;
    while (open || channel_.outstanding() != 0) {
      const bool seen = deaths > 0 && requeued > 0 && sleeps > 0;
      open = Clock::now() < (seen ? end : latest);
      if (open) {
        publish();
        cancel_one();
      }
      const std::size_t taken =
          channel_.drain([this](std::uint32_t, const Record& record) { return take(record); },
                         [this](std::uint32_t) { ++corrupt; });
      if (taken == 0 && channel_.outstanding() != 0) {
        sleep();
      } else {
        look_for_deaths(0);
      }
    }
    channel_.close();
    for (const Fd& worker : workers_) {
      siginfo_t info{};
      EXPECT_EQ(::waitid(P_PIDFD, static_cast<id_t>(worker.get()), &info, WEXITED), 0);
    }
  }

  std::uint64_t published = 0;
  std::uint64_t answered = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t requeued = 0;
  std::uint64_t deaths = 0;
  std::uint64_t corrupt = 0;
  std::uint64_t wrong = 0;  // answers that were not wanted, or not what was wanted
  std::uint64_t sleeps = 0;
  std::uint64_t stalls = 0;

 private:
  struct Request {
    std::uint64_t id = 0;
    Ticket ticket;
    std::uint32_t wanted = 0;
    std::uint64_t received = 0;
    bool open = false;
  };

  void start(std::uint32_t index) {
    const long life_ns = 100'000 + static_cast<long>(random_()) % kLifeMaxNs;
    const pid_t pid = ::fork();
    if (pid == 0) {
      work(channel_.memfd(), channel_.wake_fd(), index, life_ns, witness_);
    }
    CHECK(pid > 0);
    workers_[index].reset(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    CHECK(bool(workers_[index]));
  }

  void publish() {
    const std::uint64_t most = published / 256 % 2 == 0 ? 2 : kSlots;
    while (channel_.outstanding() < most) {
      const std::uint32_t response = random_() % 64 == 0 ? random_() % 300'000 : random_() % 200;
      if (!send({published, {}, response, 0, true})) {
        return;
      }
      ++published;
    }
  }

  bool send(Request request) {
    const std::size_t body = request.id % 512 == 0 ? 70'000 : request.id % 100;
    const auto draft = channel_.reserve(sizeof(Wanted) + body);
    if (!draft) {
      return false;
    }
    const Wanted wanted{request.id, request.wanted};
    std::memcpy(draft->payload.data(), &wanted, sizeof(wanted));
    for (std::size_t i = 0; i < body; ++i) {
      draft->payload[sizeof(wanted) + i] = pattern(request.id, i);
    }
    request.ticket = draft->ticket;
    request.received = 0;
    EXPECT_FALSE(requests_[draft->ticket.slot].open);
    requests_[draft->ticket.slot] = request;
    channel_.publish(*draft, sizeof(wanted), 0);
    return true;
  }

  void cancel_one() {
    Request& request = requests_[random_() % kSlots];
    if (request.open && random_() % 16 == 0 && channel_.cancel(request.ticket)) {
      request.open = false;
      ++cancelled;
    }
  }

  Taken take(const Record& record) {
    Request& request = requests_.at(record.ticket.slot);
    wrong += !request.open || request.ticket != record.ticket;
    for (const std::byte byte : record.payload) {
      wrong += byte == pattern(request.id, request.received++) ? 0 : 1;
    }
    if ((record.flags & kDone) != 0) {
      wrong += request.received != request.wanted;
      request.open = false;
      channel_.finish(record.ticket);
      ++answered;
    }
    return Taken::kYes;
  }

  void sleep() {
    if (!channel_.announce_sleep()) {
      return;
    }
    ++sleeps;
    stalls += look_for_deaths(1000) == 0 ? 1 : 0;
    std::uint64_t wakes = 0;
    [[maybe_unused]] const ssize_t ignored = ::read(channel_.wake_fd(), &wakes, sizeof(wakes));
    channel_.awake();
  }

  /// Returns what poll() returned.
  int look_for_deaths(int timeout_ms) {
    std::array<pollfd, kWorkers + 1> fds{};
    for (std::uint32_t i = 0; i < kWorkers; ++i) {
      fds[i] = {workers_[i].get(), POLLIN, 0};
    }
    fds[kWorkers] = {channel_.wake_fd(), POLLIN, 0};
    const int events = ::poll(fds.data(), fds.size(), timeout_ms);
    for (std::uint32_t i = 0; i < kWorkers; ++i) {
      if (fds[i].revents != 0) {
        bury(i);
        start(i);
      }
    }
    return events;
  }

  void bury(std::uint32_t index) {
    siginfo_t info{};
    CHECK(::waitid(P_PIDFD, static_cast<id_t>(workers_[index].get()), &info, WEXITED) == 0);
    wrong += info.si_code != CLD_KILLED || info.si_status != SIGKILL;
    ++deaths;
    channel_.drain_server(
        index, [this](std::uint32_t, const Record& record) { return take(record); },
        [this](std::uint32_t) { ++corrupt; });
    for (const Ticket owned : channel_.owned_by(index)) {
      Request request = requests_[owned.slot];
      wrong += !request.open || request.ticket != owned;
      requests_[owned.slot].open = false;
      witness_.running[owned.slot].store(0);
      channel_.finish(owned);
      CHECK(send(request));  // into the room that it has just given up
      ++requeued;
    }
    channel_.forget(index);
    channel_.rehint();
  }

  FrontEnd& channel_;
  Witness& witness_;
  std::mt19937 random_{std::random_device{}()};
  std::array<Fd, kWorkers> workers_;
  std::array<Request, kSlots> requests_;
};

Duration run_time() {
  const char* seconds = std::getenv("FOREBAY_SOAK_SECONDS");
  return seconds != nullptr ? from_seconds(std::atof(seconds)) : Duration(kRunTime);
}

class ChannelProcesses : public testing::TestWithParam<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Counts, ChannelProcesses, testing::ValuesIn(kFirstCounts));

TEST_P(ChannelProcesses, AnswerEachRequestOnceHoweverOftenTheyAreKilled) {
  Geometry geometry = small_geometry(GetParam(), kWorkers);
  geometry.slots = kSlots;
  geometry.ready_capacity = 64;
  geometry.arena_pages = 16;
  FrontEnd channel = FrontEnd::create(geometry).value();
  void* shared =
      ::mmap(nullptr, sizeof(Witness), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(shared, MAP_FAILED);
  auto* witness = new (shared) Witness{};
  Supervisor front(channel, *witness);
  front.run(run_time());

  EXPECT_EQ(front.answered + front.cancelled, front.published);
  EXPECT_EQ(front.corrupt, 0U);
  EXPECT_EQ(front.wrong, 0U);
  EXPECT_EQ(front.stalls, 0U);
  EXPECT_EQ(witness->run_twice, 0U);
  EXPECT_EQ(witness->damaged, 0U);
  EXPECT_GT(front.deaths, 0U);
  EXPECT_GT(front.requeued, 0U);
  EXPECT_GT(front.sleeps, 0U);
  RecordProperty("published", std::to_string(front.published));
  RecordProperty("cancelled", std::to_string(front.cancelled));
  RecordProperty("deaths", std::to_string(front.deaths));
  RecordProperty("requeued", std::to_string(front.requeued));
  RecordProperty("front_sleeps", std::to_string(front.sleeps));
  ::munmap(shared, sizeof(Witness));
}

}  // namespace
}  // namespace forebay::channel
