#include "load/figures.h"

#include <algorithm>

#include "base/text.h"
#include "load/go_format.h"
#include "load/saturate.h"

namespace forebay::load {
namespace {

Group& group(Groups& groups, const std::string& key, std::size_t most) {
  const auto known = groups.find(key);
  if (known != groups.end()) {
    return known->second;
  }
  return groups[groups.size() < most ? key : "other"];
}

void count(Group& group, const Hit& hit) {
  group.successes += hit.success() ? 1 : 0;
  group.latency.add(hit.latency);
}

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

Duration phase_of(const Hit& hit, Phase phase) {
  switch (phase) {
    case Phase::kLate:
      return hit.late;
    case Phase::kLag:
      return hit.lag;
    case Phase::kDns:
      return hit.dns;
    case Phase::kConnect:
      return hit.connect;
    case Phase::kTls:
      return hit.tls;
    case Phase::kFirstByte:
      return hit.first_byte;
    case Phase::kBody:
      return hit.first_byte < Duration{0} || hit.lag < Duration{0} ? kUnknown
                                                                   : hit.service() - hit.first_byte;
    case Phase::kService:
      return hit.service();
    case Phase::kServerQueue:
      return hit.server_queue;
    case Phase::kServerApp:
      return hit.server_app;
  }
  return kUnknown;
}

void Figures::add(const Hit& hit) {
  add_times(hit);
  ++requests;
  successes += hit.success() ? 1 : 0;
  bytes_in += hit.bytes_in;
  bytes_out += hit.bytes_out;
  latency.add(hit.latency);
  if (latency_min == Duration{0} || hit.latency < latency_min) {
    latency_min = hit.latency;
  }
  for (std::size_t i = 0; i < phases.size(); ++i) {
    const Duration part = phase_of(hit, static_cast<Phase>(i));
    if (part >= Duration{0}) {
      phases[i].add(part);
    }
  }
  count(group(statuses, format("{}", hit.code), kStatusesMax), hit);
  count(group(targets, format("{} {}", hit.method, hit.url), kTargetsMax), hit);
  blocks.add(hit.intended_ns, hit.latency);
  add_error(hit);
  if (first.code == 0 && hit.code != 0) {
    first = hit;
    first.body.clear();
  }
}

void Figures::add_times(const Hit& hit) {
  const std::int64_t end = sum(hit.intended_ns, hit.latency.count());
  const bool none = requests == 0;
  earliest_ns = none ? hit.intended_ns : std::min(earliest_ns, hit.intended_ns);
  latest_ns = none ? hit.intended_ns : std::max(latest_ns, hit.intended_ns);
  end_ns = none ? end : std::max(end_ns, end);
}

void Figures::add_error(const Hit& hit) {
  if (!hit.error.empty() && error_texts.size() < kErrorTextsMax &&
      known_errors_.insert(hit.error).second) {
    error_texts.push_back(hit.error);
  }
  if (hit.failure == Failure::kNone) {
    return;
  }
  Failed& failed = failures[static_cast<std::size_t>(hit.failure)];
  const std::int64_t at = sum(hit.intended_ns, hit.latency.count());
  if (failed.count == 0) {
    failed = {.count = 0, .first_ns = at, .last_ns = at, .example = hit.error};
  }
  ++failed.count;
  failed.first_ns = std::min(failed.first_ns, at);
  failed.last_ns = std::max(failed.last_ns, at);
}

Duration Figures::duration() const { return difference(latest_ns, earliest_ns); }

Duration Figures::wait() const { return difference(end_ns, latest_ns); }

double Figures::rate() const {
  const double seconds = go_seconds(duration());
  return seconds > 0 ? static_cast<double>(requests) / seconds : static_cast<double>(requests);
}

double Figures::throughput() const {
  const auto all = static_cast<double>(successes);
  return duration() > Duration{0} ? all / go_seconds(sum(duration(), wait())) : all;
}

double Figures::success() const { return share(successes, requests); }
double Figures::bytes_in_mean() const { return share(bytes_in, requests); }
double Figures::bytes_out_mean() const { return share(bytes_out, requests); }

std::uint64_t Figures::censored() const {
  std::uint64_t all = 0;
  for (const Failure failure :
       {Failure::kTimeout, Failure::kConnectTimeout, Failure::kUnfinished}) {
    all += failures[static_cast<std::size_t>(failure)].count;
  }
  return all;
}

}  // namespace forebay::load
