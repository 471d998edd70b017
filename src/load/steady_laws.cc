// Laws of a rate that stays: a process of one hit per slot, stretched to the rate. A place in the
// process is counted in slots with 64 bits behind the point.

#include <charconv>
#include <limits>
#include <numeric>
#include <utility>

#include "base/text.h"
#include "load/law.h"
#include "load/random.h"
#include "load/schedule_hash.h"
#include "load/wide.h"

namespace forebay::load {
namespace {

constexpr std::uint64_t kNsMax = std::numeric_limits<std::int64_t>::max();
/// Poisson hits are counted before the attack, one by one: this many take some ten seconds.
constexpr std::uint64_t kPoissonHitsMax = 100'000'000;

/// floor(place * per / hits), without the loss of a bit.
std::optional<Duration> stretch(Wide place, const Rate& rate) {
  const Wide per = static_cast<std::uint64_t>(rate.per.count());
  const Wide whole = place >> 64;
  const Wide fraction = static_cast<std::uint64_t>(place);
  const Wide ns = (whole * per + ((fraction * per) >> 64)) / rate.hits;
  if (ns > kNsMax) {
    return std::nullopt;
  }
  return Duration{static_cast<std::int64_t>(ns)};
}

/// Where hit n lies in the process; `parameter` is the seed, or how many hits are one burst.
using Place = Wide (*)(std::uint64_t n, std::uint64_t parameter);

Wide constant_place(std::uint64_t n, std::uint64_t) { return Wide{n} << 64; }
Wide jitter_place(std::uint64_t n, std::uint64_t seed) {
  return Wide{n} << 64 | Random(seed).at(n);
}
Wide burst_place(std::uint64_t n, std::uint64_t size) { return Wide{n - n % size} << 64; }

/// A law whose hit n can be found without those before it.
class PlacedLaw : public Schedule::Law {
 public:
  PlacedLaw(const Rate& rate, Place place, std::uint64_t parameter)
      : rate_(rate), place_(place), parameter_(parameter) {}

  [[nodiscard]] std::unique_ptr<Pass> pass() const override {
    return std::make_unique<PlacedPass>(*this);
  }

 private:
  class PlacedPass : public Pass {
   public:
    explicit PlacedPass(const PlacedLaw& law) : law_(law) {}
    std::optional<Duration> offset(std::uint64_t n) override {
      return stretch(law_.place_(n, law_.parameter_), law_.rate_);
    }

   private:
    const PlacedLaw& law_;
  };

  const Rate rate_;
  const Place place_;
  const std::uint64_t parameter_;
};

/// Gaps are exponential numbers. All parts walk over all hits, so that they share one process.
class PoissonLaw : public Schedule::Law {
 public:
  PoissonLaw(const Rate& rate, std::uint64_t seed) : rate_(rate), seed_(seed) {}

  [[nodiscard]] std::unique_ptr<Pass> pass() const override {
    return std::make_unique<PoissonPass>(rate_, seed_);
  }

 private:
  class PoissonPass : public Pass {
   public:
    PoissonPass(const Rate& rate, std::uint64_t seed) : rate_(rate), random_(seed) {}
    std::optional<Duration> offset(std::uint64_t n) override {
      for (; drawn_ <= n; ++drawn_)
        place_ += exponential(random_);
      return stretch(place_, rate_);
    }

   private:
    const Rate rate_;
    Random random_;
    Wide place_ = 0;
    std::uint64_t drawn_ = 0;
  };

  const Rate rate_;
  const std::uint64_t seed_;
};

/// Equal rates, equal hash: 60/1m is 1/1s.
std::uint64_t hash_of(std::string_view word, const Rate& rate, std::optional<std::uint64_t> count,
                      std::uint64_t parameter) {
  const auto per = static_cast<std::uint64_t>(rate.per.count());
  const std::uint64_t divisor = std::gcd(rate.hits, per);
  return ScheduleHash()
      .add(word)
      .add(rate.hits / divisor)
      .add(per / divisor)
      .add(count.value_or(0))
      .add(parameter)
      .value();
}

LawResult make_placed(std::string_view word, const ScheduleOptions& options, Place place,
                      std::uint64_t parameter, std::string_view remark) {
  auto count = hits_within(options.rate, options.duration);
  if (!count) {
    return std::unexpected(std::move(count.error()));
  }
  auto law = std::make_shared<PlacedLaw>(options.rate, place, parameter);
  law->count = *count;
  law->text =
      format("{} {}{}{}", word, rate_text(options.rate), for_duration(options.duration), remark);
  law->hash = hash_of(word, options.rate, *count, parameter);
  return law;
}

std::unexpected<Error> no_argument(std::string_view word, std::string_view argument) {
  return fail(format("{} arrivals have no argument, such as '{}'", word, argument));
}

std::string seed_text(std::uint64_t seed) { return format(", seed {}", seed); }

}  // namespace

Result<std::optional<std::uint64_t>> hits_within(const Rate& rate,
                                                 std::optional<Duration> duration) {
  if (rate.hits == 0) {
    return fail("a schedule needs a rate above zero: write it as 50, 50/m or 50/1m30s");
  }
  if (!duration) {
    return std::nullopt;
  }
  const Wide per = static_cast<std::uint64_t>(rate.per.count());
  const Wide product = Wide{rate.hits} * static_cast<std::uint64_t>(duration->count());
  const Wide count = (product + per - 1) / per;
  if (count > std::numeric_limits<std::uint64_t>::max()) {
    return fail(
        format("{} for {} is more hits than 64 bits can count: lower the rate or the duration",
               rate_text(rate), go_duration(*duration)));
  }
  return static_cast<std::uint64_t>(count);
}

std::string for_duration(std::optional<Duration> duration) {
  return duration ? " for " + go_duration(*duration) : "";
}

LawResult make_constant(std::string_view argument, const ScheduleOptions& options) {
  if (!argument.empty()) {
    return no_argument("constant", argument);
  }
  return make_placed("constant", options, constant_place, 0, "");
}

LawResult make_jitter(std::string_view argument, const ScheduleOptions& options) {
  if (!argument.empty()) {
    return no_argument("jitter", argument);
  }
  return make_placed("jitter", options, jitter_place, options.seed, seed_text(options.seed));
}

LawResult make_bursts(std::string_view argument, const ScheduleOptions& options) {
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(argument.begin(), argument.end(), size);
  if (error != std::errc() || end != argument.end() || size == 0) {
    return fail(
        format("'{}' is no size of a burst: write bursts:10 for ten hits at once", argument));
  }
  return make_placed("bursts", options, burst_place, size, format(", {} at once", size));
}

LawResult make_poisson(std::string_view argument, const ScheduleOptions& options) {
  if (!argument.empty()) {
    return no_argument("poisson", argument);
  }
  const auto expected = hits_within(options.rate, options.duration);
  if (!expected) {
    return std::unexpected(expected.error());
  }
  if (expected->value_or(0) > kPoissonHitsMax) {
    return fail(
        format("{}{} is more than {} hits, too many to draw beforehand: lower the rate or the "
               "duration, or leave the duration away",
               rate_text(options.rate), for_duration(options.duration), kPoissonHitsMax));
  }
  auto law = std::make_shared<PoissonLaw>(options.rate, options.seed);
  if (options.duration) {
    const std::unique_ptr<Schedule::Law::Pass> pass = law->pass();
    std::uint64_t count = 0;
    while (pass->offset(count).value_or(Duration::max()) < *options.duration)
      ++count;
    law->count = count;
  }
  law->text = format("poisson {}{}{}", rate_text(options.rate), for_duration(options.duration),
                     seed_text(options.seed));
  law->hash = hash_of("poisson", options.rate, law->count, options.seed);
  return law;
}

}  // namespace forebay::load
