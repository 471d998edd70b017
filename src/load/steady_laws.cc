// Laws of a rate that stays: a process of one hit per slot, stretched to the rate. A place in the
// process is counted in slots with 64 bits behind the point.

#include <limits>
#include <numeric>
#include <utility>

#include "base/text.h"
#include "load/law.h"

namespace forebay::load {
namespace {

constexpr std::uint64_t kNsMax = std::numeric_limits<std::int64_t>::max();

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

/// A law whose hit n can be found without those before it.
class PlacedLaw : public Schedule::Law {
 public:
  explicit PlacedLaw(const Rate& rate) : rate_(rate) {}
  [[nodiscard]] std::unique_ptr<Pass> pass() const override {
    return std::make_unique<PlacedPass>(*this);
  }

 private:
  class PlacedPass : public Pass {
   public:
    explicit PlacedPass(const PlacedLaw& law) : law_(law) {}
    std::optional<Duration> offset(std::uint64_t n) override {
      return stretch(law_.place(n), law_.rate_);
    }

   private:
    const PlacedLaw& law_;
  };

  [[nodiscard]] virtual Wide place(std::uint64_t n) const = 0;

  const Rate rate_;
};

class ConstantLaw : public PlacedLaw {
 public:
  using PlacedLaw::PlacedLaw;

 private:
  [[nodiscard]] Wide place(std::uint64_t n) const override { return Wide{n} << 64; }
};

/// Fills in what all steady laws say alike. Equal rates, equal hash: 60/1m is 1/1s.
template <typename L>
LawResult described(std::shared_ptr<L> law, std::string_view word, const ScheduleOptions& options) {
  auto count = hits_within(options.rate, options.duration);
  if (!count) {
    return std::unexpected(std::move(count.error()));
  }
  const auto per = static_cast<std::uint64_t>(options.rate.per.count());
  const std::uint64_t divisor = std::gcd(options.rate.hits, per);
  law->count = *count;
  law->text = format("{} {}{}", word, rate_text(options.rate), for_duration(options.duration));
  law->hash = ScheduleHash()
                  .add(word)
                  .add(options.rate.hits / divisor)
                  .add(per / divisor)
                  .add(count->value_or(0))
                  .value();
  return law;
}

}  // namespace

Result<std::optional<std::uint64_t>> hits_within(const Rate& rate,
                                                 std::optional<Duration> duration) {
  if (!duration) {
    return std::nullopt;
  }
  const Wide per = static_cast<std::uint64_t>(rate.per.count());
  const Wide product = Wide{rate.hits} * static_cast<std::uint64_t>(duration->count());
  const Wide count = (product + per - 1) / per;
  if (count > std::numeric_limits<std::uint64_t>::max()) {
    return fail(
        format("{} for {} is more hits than 64 bits can count: lower the rate or the "
               "duration",
               rate_text(rate), go_duration(*duration)));
  }
  return static_cast<std::uint64_t>(count);
}

std::string for_duration(std::optional<Duration> duration) {
  return duration ? " for " + go_duration(*duration) : "";
}

LawResult make_constant(std::string_view argument, const ScheduleOptions& options) {
  if (!argument.empty()) {
    return fail(format("constant arrivals have no argument, such as '{}'", argument));
  }
  return described(std::make_shared<ConstantLaw>(options.rate), "constant", options);
}

}  // namespace forebay::load
