#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "load/blocks.h"
#include "load/distribution.h"
#include "load/hit.h"

namespace forebay::load {

/// The parts of a latency, and the server's word on its own.
enum class Phase : std::uint8_t {
  kLate,
  kLag,
  kDns,
  kConnect,
  kTls,
  kFirstByte,
  kBody,
  kService,
  kServerQueue,
  kServerApp,
};
inline constexpr std::array<std::string_view, 10> kPhaseWords{
    "late",       "lag",  "dns",     "connect",      "tls",
    "first_byte", "body", "service", "server_queue", "server_app"};

/// How long the part took in this hit, or kUnknown.
[[nodiscard]] Duration phase_of(const Hit& hit, Phase phase);

/// Hits with something in common: a status, a target.
struct Group {
  std::uint64_t successes = 0;
  Distribution latency;
};
using Groups = std::map<std::string, Group>;

/// Failures of one class.
struct Failed {
  std::uint64_t count = 0;
  std::int64_t first_ns = 0;  // since the Unix epoch
  std::int64_t last_ns = 0;
  std::string example;  // the text of the first
};

/// Everything that a report says of the hits: vegeta's figures, by its definitions, and ours.
/// Memory is bounded, whatever the number of hits. One thread.
struct Figures {
  void add(const Hit& hit);

  // Vegeta's figures.
  [[nodiscard]] Duration duration() const;  // from the first start to the last
  [[nodiscard]] Duration wait() const;      // from the last start until all was over
  [[nodiscard]] double rate() const;        // per second of the duration
  [[nodiscard]] double throughput() const;  // successes per second of duration and wait
  [[nodiscard]] double success() const;     // 0 to 1
  [[nodiscard]] double bytes_in_mean() const;
  [[nodiscard]] double bytes_out_mean() const;

  [[nodiscard]] Distribution& phase(Phase phase) { return phases[static_cast<std::size_t>(phase)]; }
  [[nodiscard]] const Distribution& phase(Phase phase) const {
    return phases[static_cast<std::size_t>(phase)];
  }
  /// Hits without an answer, whose true latency is longer.
  [[nodiscard]] std::uint64_t censored() const;
  /// Hits that are no success.
  [[nodiscard]] std::uint64_t errors() const { return requests - successes; }

  static constexpr std::size_t kExactMax = 10'000'000;  // latencies; 80 MB
  static constexpr std::size_t kTargetsMax = 100;       // the rest counts under "other"
  static constexpr std::size_t kStatusesMax = 1000;     // the rest counts under "other"
  static constexpr std::size_t kErrorTextsMax = 100'000;

  std::uint64_t requests = 0;
  std::uint64_t successes = 0;
  std::int64_t earliest_ns = 0;  // start of a hit; since the Unix epoch, like the next two
  std::int64_t latest_ns = 0;    // start of a hit
  std::int64_t end_ns = 0;       // end of a hit
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  Distribution latency{kExactMax};
  Duration latency_min{0};               // but for those of 0, which vegeta takes for none
  std::vector<std::string> error_texts;  // each once, in order of appearance
  std::array<Distribution, kPhaseWords.size()> phases;
  std::array<Failed, kFailureWords.size()> failures;
  Groups statuses;  // by code; 0 is no answer
  Groups targets;   // by method and URL
  Blocks blocks;    // latencies by second
  Hit first;        // the first that had an answer; without its body

 private:
  void add_times(const Hit& hit);
  void add_error(const Hit& hit);

  std::set<std::string, std::less<>> known_errors_;
};

}  // namespace forebay::load
