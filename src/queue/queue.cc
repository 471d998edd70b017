#include "queue/queue.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace forebay::queue {
namespace {

constexpr Duration kTopUpWork = std::chrono::milliseconds(1);
/// Who stands at the servers' door cannot be passed any more. Where the order is not that of
/// arrival nobody stands there while a request takes longer than this: that a server asks for its
/// next one costs little then.
constexpr Duration kDoorWork = std::chrono::milliseconds(20);
/// The mean follows the last few dozen requests once it has seen that many.
constexpr std::uint64_t kMeanSamples = 32;
/// Who aborts on purpose could talk the limit down for everybody: it does not go below this, nor
/// below the time that one request takes.
constexpr Duration kWaitFloor = std::chrono::milliseconds(500);
/// Patience covers the wait and the work, of which only the mean is known: of exponential work 98
/// in 100 are done within four means.
constexpr int kWorkMargin = 4;
/// Who waits at all shall be done before its deadline with this many means of work: of exponential
/// work 86 in 100 are. With one mean a third of the runs would be for nobody.
constexpr int kDeadlineMargin = 2;
/// Where clients leave in numbers a longer queue serves no more of them, only later, and who comes
/// after the overload waits behind it: so no more than this part of patience.
constexpr double kWaitShare = 0.4;
/// Who waits longest has waited for this part of the longest wait: then the queue stands, and
/// kAdaptiveLifo turns around.
constexpr int kStanding = 3;

/// Most belong at the end, or near it.
template <typename Tag>
void insert_by_arrival(List<Entry, Tag>& list, Entry& entry) {
  Entry* younger = nullptr;
  for (Entry* before = list.back(); before != nullptr && before->arrived() > entry.arrived();
       before = list.prev(*before)) {
    younger = before;
  }
  younger == nullptr ? list.push_back(entry) : list.insert_before(*younger, entry);
}

}  // namespace

RequestQueue::RequestQueue(const Policy& policy, std::uint64_t seed)
    : policy_(policy), random_(static_cast<std::minstd_rand::result_type>(seed)) {
  CHECK(!policy.turns || policy.order == Order::kFifo);
  if (policy.turns) {
    turns_.emplace();
  }
}

std::size_t RequestQueue::busy_servers() const { return std::min(outstanding_, servers_); }

std::size_t RequestQueue::length() const { return waiting_count_ + outstanding_ - busy_servers(); }

Duration RequestQueue::predicted_wait(const Arrival& arrival) const {
  if (servers_ == 0 || samples_ < 2 * servers_ || policy_.order != Order::kFifo ||
      (outstanding_ < servers_ && waiting_count_ == 0)) {
    return Duration{0};
  }
  const std::size_t ahead =
      turns_ ? outstanding_ - busy_servers() + turns_->ahead_of(arrival) : length();
  return mean_service_ * static_cast<std::int64_t>(ahead + 1) / static_cast<std::int64_t>(servers_);
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

std::optional<Refusal> RequestQueue::look(const Arrival& arrival, TimePoint now) const {
  if (length() == 0) {
    return std::nullopt;  // the only one that waits is never refused
  }
  if (length() >= policy_.length_max || bytes_ + arrival.bytes > policy_.bytes_max) {
    return Refusal::kQueueFull;
  }
  const Duration wait = policy_.predict ? predicted_wait(arrival) : Duration{0};
  if (wait == Duration{0}) {
    return std::nullopt;
  }
  if (wait > wait_limit(now).wait) {
    return Refusal::kPredictedWait;
  }
  return now + wait + kDeadlineMargin * mean_service_ > arrival.deadline
             ? std::optional(Refusal::kDeadline)
             : std::nullopt;
}

std::optional<Refusal> RequestQueue::offer(Entry& entry, TimePoint now) {
  CHECK(!entry.waiting() && !entry.taken());
  if (const std::optional<Refusal> refusal = look(entry.arrival, now)) {
    return refusal;
  }
  entry.arrived_ = now;
  entry.left_ = false;
  bytes_ += entry.arrival.bytes;
  waiting_.push_back(entry);
  ++waiting_count_;
  if (turns_) {
    turns_->add(entry);
  }
  keep_deadline(entry);
  longest_ = std::max(longest_, servers_ > outstanding_ ? 0 : length());
  return std::nullopt;
}

bool RequestQueue::in_order() const { return policy_.order == Order::kFifo && !turns_; }

std::size_t RequestQueue::top_up() const {
  if (mean_service_ > kDoorWork && !in_order()) {
    return 0;
  }
  if (mean_service_ <= Duration{0}) {
    return 1;
  }
  return std::clamp(static_cast<std::size_t>(kTopUpWork / mean_service_), std::size_t{1},
                    kTopUpMax);
}

bool RequestQueue::newest_first(TimePoint now) const {
  if (policy_.order != Order::kAdaptiveLifo) {
    return policy_.order == Order::kLifo;
  }
  const Entry* oldest = waiting_.front();
  return oldest != nullptr && now - oldest->arrived_ > wait_limit(now).wait / kStanding;
}

Entry* RequestQueue::next(TimePoint now) const {
  if (turns_) {
    return turns_->next(wait_limit(now).wait);
  }
  return newest_first(now) ? waiting_.back() : waiting_.front();
}

Entry* RequestQueue::take(TimePoint now) {
  if (waiting_.empty() || outstanding_ >= servers_ * (1 + top_up())) {
    return nullptr;
  }
  Entry* entry = next(now);
  if (turns_) {
    turns_->served(*entry);
  }
  entry->Link<WaitingTag>::unlink();
  --waiting_count_;
  insert_by_arrival(handed_, *entry);
  entry->taken_ = true;
  ++outstanding_;
  return entry;
}

void RequestQueue::running(Entry& entry) {
  entry.Link<HandedTag>::unlink();
  forget_deadline(entry);
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
  bytes_ -= entry.arrival.bytes;
  forget_deadline(entry);
}

void RequestQueue::keep_deadline(Entry& entry) {
  if (entry.arrival.deadline != kNoDeadline) {
    deadlines_.emplace(entry.arrival.deadline, &entry);
  }
}

void RequestQueue::forget_deadline(Entry& entry) {
  if (entry.arrival.deadline != kNoDeadline) {
    deadlines_.erase({entry.arrival.deadline, &entry});
  }
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
  if (turns_) {
    turns_->put_back(entry);
  }
  in_order() ? waiting_.push_front(entry) : insert_by_arrival(waiting_, entry);
  ++waiting_count_;
  keep_deadline(entry);
}

void RequestQueue::withdraw(Entry& entry) {
  CHECK(entry.waiting() || entry.taken());
  if (entry.waiting()) {
    entry.Link<WaitingTag>::unlink();
    --waiting_count_;
    bytes_ -= entry.arrival.bytes;
    if (turns_) {
      turns_->remove(entry);
    }
    forget_deadline(entry);
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

TimePoint RequestQueue::wait_ends(const Entry& entry, TimePoint now) const {
  return entry.arrived_ + (length() == 1 ? policy_.wait_max : wait_limit(now).wait);
}

std::optional<TimePoint> RequestQueue::next_deadline(TimePoint now) const {
  const Entry* entry = oldest();
  if (entry == nullptr) {
    return std::nullopt;
  }
  const TimePoint ends = wait_ends(*entry, now);
  return deadlines_.empty() ? ends : std::min(ends, deadlines_.begin()->first);
}

Entry* RequestQueue::expired(TimePoint now) const {
  if (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    return deadlines_.begin()->second;
  }
  Entry* entry = oldest();
  return entry != nullptr && wait_ends(*entry, now) <= now ? entry : nullptr;
}

unsigned RequestQueue::retry_after() {
  const double drain = servers_ == 0 ? 1.0
                                     : to_seconds(mean_service_) * static_cast<double>(length()) /
                                           static_cast<double>(servers_);
  std::uniform_real_distribution<double> jitter(0.75, 1.25);
  return static_cast<unsigned>(std::clamp(std::ceil(drain * jitter(random_)), 1.0, 120.0));
}

}  // namespace forebay::queue
