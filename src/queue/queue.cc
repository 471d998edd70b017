#include "queue/queue.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace forebay::queue {
namespace {

constexpr Duration kTopUpWork = std::chrono::milliseconds(1);
/// The mean follows the last few dozen requests once it has seen that many.
constexpr std::uint64_t kMeanSamples = 32;
/// Who aborts on purpose could talk the limit down for everybody: it does not go below this, nor
/// below the time that one request takes.
constexpr Duration kWaitFloor = std::chrono::milliseconds(500);
/// Patience covers the wait and the work, of which only the mean is known: of exponential work 98
/// in 100 are done within four means.
constexpr int kWorkMargin = 4;
/// Where clients leave in numbers a longer queue serves no more of them, only later, and who comes
/// after the overload waits behind it: so no more than this part of patience.
constexpr double kWaitShare = 0.4;

}  // namespace

RequestQueue::RequestQueue(const Policy& policy, std::uint64_t seed)
    : policy_(policy), random_(static_cast<std::minstd_rand::result_type>(seed)) {}

std::size_t RequestQueue::busy_servers() const { return std::min(outstanding_, servers_); }

std::size_t RequestQueue::length() const { return waiting_count_ + outstanding_ - busy_servers(); }

Duration RequestQueue::predicted_wait() const {
  if (servers_ == 0 || samples_ < 2 * servers_ ||
      (outstanding_ < servers_ && waiting_count_ == 0)) {
    return Duration{0};
  }
  return mean_service_ * static_cast<std::int64_t>(length() + 1) /
         static_cast<std::int64_t>(servers_);
}

WaitLimit RequestQueue::wait_limit(TimePoint now) const {
  const std::optional<Duration> patience =
      policy_.learn_patience ? patience_.estimate(now) : std::nullopt;
  if (!patience) {
    return {policy_.wait_max, WaitLimit::Why::kSet};
  }
  const Duration learned = std::min(from_seconds(to_seconds(*patience) * kWaitShare),
                                    *patience - kWorkMargin * mean_service_);
  const Duration floor = std::max(kWaitFloor, mean_service_);
  if (policy_.wait_max <= std::max(learned, floor)) {
    return {policy_.wait_max, WaitLimit::Why::kSet};
  }
  return learned < floor ? WaitLimit{floor, WaitLimit::Why::kFloor}
                         : WaitLimit{learned, WaitLimit::Why::kLearned};
}

std::optional<Refusal> RequestQueue::look(std::uint64_t bytes, TimePoint now) const {
  if (length() == 0) {
    return std::nullopt;  // the only one that waits is never refused
  }
  if (length() >= policy_.length_max || bytes_ + bytes > policy_.bytes_max) {
    return Refusal::kQueueFull;
  }
  if (policy_.predict && predicted_wait() > wait_limit(now).wait) {
    return Refusal::kPredictedWait;
  }
  return std::nullopt;
}

std::optional<Refusal> RequestQueue::offer(Entry& entry, std::uint64_t bytes, TimePoint now) {
  CHECK(!entry.waiting() && !entry.taken());
  if (const std::optional<Refusal> refusal = look(bytes, now)) {
    return refusal;
  }
  entry.arrived_ = now;
  entry.bytes_ = bytes;
  entry.left_ = false;
  bytes_ += bytes;
  waiting_.push_back(entry);
  ++waiting_count_;
  longest_ = std::max(longest_, servers_ > outstanding_ ? 0 : length());
  return std::nullopt;
}

std::size_t RequestQueue::top_up() const {
  if (mean_service_ <= Duration{0}) {
    return 1;
  }
  return std::clamp(static_cast<std::size_t>(kTopUpWork / mean_service_), std::size_t{1},
                    kTopUpMax);
}

Entry* RequestQueue::take() {
  Entry* entry = waiting_.front();
  if (entry == nullptr || outstanding_ >= servers_ * (1 + top_up())) {
    return nullptr;
  }
  entry->Link<WaitingTag>::unlink();
  --waiting_count_;
  handed_.push_back(*entry);
  entry->taken_ = true;
  ++outstanding_;
  return entry;
}

void RequestQueue::answered(Entry& entry, TimePoint now) {
  if (!entry.left_) {
    patience_.record(now - entry.arrived_, false, now);
  }
  release(entry);
}

void RequestQueue::left(Entry& entry, TimePoint now) {
  entry.left_ = true;
  patience_.record(now - entry.arrived_, true, now);
}

void RequestQueue::release(Entry& entry) {
  CHECK(entry.taken_);
  entry.Link<HandedTag>::unlink();
  entry.taken_ = false;
  bytes_ -= entry.bytes_;
}

void RequestQueue::server_free(std::optional<Duration> service) {
  CHECK(outstanding_ > 0);
  --outstanding_;
  if (service) {
    ++samples_;
    mean_service_ +=
        (*service - mean_service_) / static_cast<std::int64_t>(std::min(samples_, kMeanSamples));
  }
}

void RequestQueue::put_back(Entry& entry) {
  CHECK(entry.taken_);
  entry.Link<HandedTag>::unlink();
  entry.taken_ = false;
  --outstanding_;
  waiting_.push_front(entry);
  ++waiting_count_;
}

void RequestQueue::withdraw(Entry& entry) {
  CHECK(entry.waiting() || entry.taken());
  if (entry.waiting()) {
    entry.Link<WaitingTag>::unlink();
    --waiting_count_;
    bytes_ -= entry.bytes_;
  } else {
    release(entry);
    server_free(std::nullopt);
  }
}

Entry* RequestQueue::oldest() const {
  Entry* handed = handed_.front();
  Entry* waiting = waiting_.front();
  if (handed == nullptr || waiting == nullptr) {
    return handed == nullptr ? waiting : handed;
  }
  return waiting->arrived_ < handed->arrived_ ? waiting : handed;  // it was put back
}

std::optional<TimePoint> RequestQueue::next_deadline(TimePoint now) const {
  const Entry* entry = oldest();
  if (entry == nullptr) {
    return std::nullopt;
  }
  return entry->arrived_ + wait_limit(now).wait;
}

Entry* RequestQueue::expired(TimePoint now) const {
  const std::optional<TimePoint> deadline = next_deadline(now);
  return deadline && *deadline <= now ? oldest() : nullptr;
}

unsigned RequestQueue::retry_after() {
  const double drain = servers_ == 0 ? 1.0
                                     : to_seconds(mean_service_) * static_cast<double>(length()) /
                                           static_cast<double>(servers_);
  std::uniform_real_distribution<double> jitter(0.75, 1.25);
  return static_cast<unsigned>(std::clamp(std::ceil(drain * jitter(random_)), 1.0, 120.0));
}

}  // namespace forebay::queue
