#include "queue/turns.h"

#include <algorithm>

#include "base/check.h"

namespace forebay::queue {
namespace {

/// By how much of the longest wait a priority comes later.
constexpr std::array<int, kPriorityWords.size()> kQuarters{0, 1, 2};

}  // namespace

Turns::Share& Turns::share_of(const Entry& entry) {
  Level& mine = level(entry.arrival.priority);
  const auto [place, is_new] = mine.shares.try_emplace(entry.arrival.client);
  Share& share = place->second;
  if (!is_new) {
    return share;
  }
  const auto last = mine.served_last ? mine.shares.find(*mine.served_last) : mine.shares.end();
  if (last == mine.shares.end() || last == place) {
    mine.round.push_back(share);
  } else {
    mine.round.insert_before(last->second, share);
  }
  return share;
}

void Turns::add(Entry& entry) {
  Share& share = share_of(entry);
  share.entries.push_back(entry);
  ++share.waiting;
  ++level(entry.arrival.priority).waiting;
}

void Turns::put_back(Entry& entry) {
  Level& mine = level(entry.arrival.priority);
  Share& share = share_of(entry);
  share.entries.push_front(entry);
  ++share.waiting;
  ++mine.waiting;
  share.unlink();
  mine.round.push_front(share);
  mine.served_last.reset();
}

Entry* Turns::next(Duration wait_max) const {
  Entry* first = nullptr;
  TimePoint first_at;
  for (std::size_t i = 0; i < levels_.size(); ++i) {
    const Share* share = levels_[i].round.front();
    if (share == nullptr) {
      continue;
    }
    Entry* entry = share->entries.front();
    const TimePoint at = entry->arrived() + wait_max * kQuarters[i] / 4;
    if (first == nullptr || at < first_at) {
      first = entry;
      first_at = at;
    }
  }
  return first;
}

void Turns::served(Entry& entry) {
  Level& mine = level(entry.arrival.priority);
  Share& share = *mine.round.front();
  CHECK(share.entries.front() == &entry);
  share.unlink();
  mine.round.push_back(share);
  mine.served_last = entry.arrival.client;
  remove(entry);
}

void Turns::remove(Entry& entry) {
  Level& mine = level(entry.arrival.priority);
  const auto place = mine.shares.find(entry.arrival.client);
  CHECK(place != mine.shares.end());
  entry.Link<TurnTag>::unlink();
  --mine.waiting;
  if (--place->second.waiting == 0) {
    mine.shares.erase(place);
  }
}

/// By the time that its own turn comes, every other client has had at most as many.
std::size_t Turns::ahead_of(const Arrival& arrival) const {
  std::size_t ahead = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(arrival.priority); ++i) {
    ahead += levels_[i].waiting;
  }
  const Level& mine = level(arrival.priority);
  const auto place = mine.shares.find(arrival.client);
  const std::size_t own = place == mine.shares.end() ? 0 : place->second.waiting;
  return ahead + std::min(mine.waiting, (own + 1) * mine.shares.size());
}

std::size_t Turns::clients() const {
  std::size_t clients = 0;
  for (const Level& each : levels_) {
    clients += each.shares.size();
  }
  return clients;
}

}  // namespace forebay::queue
