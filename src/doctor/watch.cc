#include "doctor/watch.h"

#include <algorithm>

#include "base/text.h"
#include "doctor/report.h"
#include "doctor/surroundings.h"

namespace forebay::doctor {
namespace {

constexpr std::string_view kColumns = "{:<8}  {:>11} {:>5} {:>7}  {:<32}  {:>7}  {}\n";

bool fuller(const Fill& a, const Fill& b) {
  return a.waiting * (std::uint64_t{b.limit} + 1) > b.waiting * (std::uint64_t{a.limit} + 1);
}

std::string in_words(const Fill& fill) { return format("{}/{}", fill.waiting, fill.limit); }

std::uint64_t dropped(const Host& host) {
  std::uint64_t count = 0;
  for (const NetworkNamespace& network : host.networks) {
    if (network.counters && network.before) {
      count += network.counters->overflows - network.before->overflows;
    }
  }
  return count;
}

}  // namespace

std::string Watch::header() {
  return format(kColumns, "time", "waiting", "gone", "busy", "fullest socket", "dropped",
                "highest so far");
}

void Watch::see(Host& host, const std::string& at) {
  for (NetworkNamespace& network : host.networks) {
    if (network.counters) {
      ListenCounters& first = first_.emplace(network.id, *network.counters).first->second;
      if (network.counters->overflows < first.overflows) {
        first = *network.counters;  // another namespace has got the number of one that ended
      }
      network.before = first;
    }
  }
  Fill fullest;
  std::string gone = "-";
  std::string busy = "-";
  for_each_socket(host, [&](const Surroundings& place) {
    const Fill fill{place.socket.address, place.socket.waiting, place.socket.limit, at};
    if (!fuller(fill, fullest)) {
      return;
    }
    fullest = fill;
    gone = place.socket.gone ? format("{}", *place.socket.gone) : "-";
    const auto workers = place.busy_workers();
    busy = workers ? format("{}/{}", *workers, place.server->workers.size()) : "-";
  });
  if (fuller(fullest, highest_)) {
    highest_ = fullest;
  }
  const std::string highest =
      highest_.waiting == 0
          ? "-"
          : format("{} {} {}", in_words(highest_), highest_.at, printable(highest_.address));
  line_ = format(kColumns, at, fullest.waiting == 0 ? "0" : in_words(fullest), gone, busy,
                 fullest.waiting == 0 ? "nothing waits" : printable(fullest.address), dropped(host),
                 highest);
  remember(diagnose(host));
}

void Watch::remember(std::vector<Finding> findings) {
  for (Finding& finding : findings) {
    const auto key = std::pair(std::string(finding.rule), finding.subject);
    const auto known = findings_.find(key);
    if (known == findings_.end()) {
      findings_.emplace(key, std::move(finding));
    } else if (finding.severity >= known->second.severity) {
      known->second = std::move(finding);
    }
  }
}

std::vector<Finding> Watch::findings() const {
  std::vector<Finding> all;
  for (const Severity severity : {Severity::kCritical, Severity::kWarning, Severity::kNote}) {
    for (const auto& [key, finding] : findings_) {
      if (finding.severity == severity) {
        all.push_back(finding);
      }
    }
  }
  return all;
}

}  // namespace forebay::doctor
