// Laws of a rate that changes: ramp, steps, sine. Each draws a RateCurve.

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <utility>
#include <vector>

#include "base/text.h"
#include "load/law.h"
#include "load/rate_curve.h"

namespace forebay::load {
namespace {

class CurveLaw : public Schedule::Law {
 public:
  explicit CurveLaw(RateCurve curve) : curve_(std::move(curve)) {}

  [[nodiscard]] std::unique_ptr<Pass> pass() const override {
    return std::make_unique<CurvePass>(curve_);
  }

 private:
  class CurvePass : public Pass {
   public:
    explicit CurvePass(const RateCurve& curve) : curve_(curve) {}
    std::optional<Duration> offset(std::uint64_t n) override { return curve_.offset(n); }

   private:
    const RateCurve& curve_;
  };

  const RateCurve curve_;
};

constexpr std::uint64_t per_ns(const Rate& rate) {
  return static_cast<std::uint64_t>(rate.per.count());
}

/// Rates over a common time, so that they can be compared and added.
struct CommonRates {
  std::vector<std::uint64_t> hits;
  std::uint64_t per = 1;  // ns
};

std::optional<CommonRates> over_common_time(const std::vector<Rate>& rates) {
  CommonRates common;
  for (const Rate& rate : rates) {
    const std::uint64_t lowest = per_ns(rate) / std::gcd(rate.hits, per_ns(rate));
    const Wide per = Wide{common.per / std::gcd(common.per, lowest)} * lowest;
    if (per > std::numeric_limits<std::uint64_t>::max()) {
      return std::nullopt;
    }
    common.per = static_cast<std::uint64_t>(per);
  }
  for (const Rate& rate : rates) {
    const Wide hits = Wide{rate.hits} * common.per / per_ns(rate);
    if (hits > RateCurve::kRateMax) {
      return std::nullopt;
    }
    common.hits.push_back(static_cast<std::uint64_t>(hits));
  }
  return common;
}

Result<CommonRates> common_rates(const std::vector<Rate>& rates) {
  std::optional<CommonRates> common = over_common_time(rates);
  if (!common) {
    return fail("these rates have no common measure in 64 bits: take rounder ones");
  }
  return std::move(*common);
}

/// A law that follows the curve, over and over, for `duration`, or for ever.
LawResult make_curve(const Result<RateCurve>& curve, std::optional<Duration> duration,
                     std::string text) {
  const auto count = curve && duration ? curve->hits_within(*duration) : Result<std::uint64_t>(0);
  if (!curve || !count) {
    return fail(format("{}: {}", text, curve ? count.error().message : curve.error().message));
  }
  ScheduleHash hash;
  curve->add_to(hash);
  auto law = std::make_shared<CurveLaw>(*curve);
  if (duration) {
    law->count = *count;
  }
  law->text = std::move(text);
  law->hash = hash.add(*count).value();
  return law;
}

Result<Rate> parse_level(std::string_view text) {
  if (text == "infinity") {
    return fail("\"infinity\" is no rate of a schedule");
  }
  return parse_rate(text);
}

struct RateAndTime {
  Rate rate;
  Duration time;
};

Result<RateAndTime> parse_rate_and_time(std::string_view rate_text, std::string_view time_text) {
  Result<Rate> rate = parse_level(rate_text);
  if (!rate) {
    return std::unexpected(std::move(rate.error()));
  }
  Result<Duration> time = parse_go_duration(time_text);
  if (!time) {
    return std::unexpected(std::move(time.error()));
  }
  if (*time <= Duration{0}) {
    return fail(format("\"{}\" is no time above zero", time_text));
  }
  return RateAndTime{*rate, *time};
}

/// Both sides of the '@'; without one, the second is empty.
std::pair<std::string_view, std::string_view> split_at_sign(std::string_view text) {
  const std::size_t at = text.find('@');
  return {text.substr(0, at), at == std::string_view::npos ? "" : text.substr(at + 1)};
}

constexpr std::size_t kSinePieces = 1024;  // of a period: off by 5 millionths of the amplitude
constexpr std::int64_t kSineScale = 1'000'000;

/// sin(2 pi i / kSinePieces) * kSineScale, the same in all four quarters to the last digit.
std::int64_t sine_at(std::size_t i) {
  constexpr std::size_t kQuarter = kSinePieces / 4;
  const std::size_t in_half = i % (2 * kQuarter);
  const std::size_t in_quarter = in_half <= kQuarter ? in_half : 2 * kQuarter - in_half;
  const double angle = std::numbers::pi / 2 * static_cast<double>(in_quarter) / kQuarter;
  const std::int64_t value = std::llround(std::sin(angle) * static_cast<double>(kSineScale));
  return i % kSinePieces < 2 * kQuarter ? value : -value;
}

}  // namespace

LawResult make_ramp(std::string_view argument, const ScheduleOptions& options) {
  const Result<Rate> to = parse_level(argument);
  if (!to) {
    return fail(
        format("ramp: {}; write ramp:200/s for a rate that ends there", to.error().message));
  }
  if (!options.duration) {
    return fail("a ramp needs -duration: the time in which the rate changes");
  }
  const Result<CommonRates> rates = common_rates({options.rate, *to});
  if (!rates) {
    return std::unexpected(rates.error());
  }
  const auto ticks = static_cast<std::uint64_t>(options.duration->count());
  return make_curve(RateCurve::make({{rates->hits[0], rates->hits[1], ticks}}, rates->per, 1),
                    options.duration,
                    format("ramp {} to {}{}", rate_text(options.rate), rate_text(*to),
                           for_duration(options.duration)));
}

LawResult make_steps(std::string_view argument, const ScheduleOptions& options) {
  std::vector<Rate> levels;
  std::vector<Duration> times;
  std::string text = "steps";
  for (std::string_view rest = argument; levels.empty() || !rest.empty();) {
    const std::string_view step = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), step.size() + 1));
    const auto [time, rate] = split_at_sign(step);
    const Result<RateAndTime> read = parse_rate_and_time(rate, time);
    if (!read) {
      return fail(
          format("steps: '{}': {}; write steps:30s@50,1m@200/m", step, read.error().message));
    }
    levels.push_back(read->rate);
    times.push_back(read->time);
    text += format("{} {} for {}", levels.size() > 1 ? "," : "", rate_text(read->rate),
                   go_duration(read->time));
  }
  const Result<CommonRates> rates = common_rates(levels);
  if (!rates) {
    return std::unexpected(rates.error());
  }
  std::vector<RateCurve::Piece> pieces;
  for (std::size_t i = 0; i < times.size(); ++i)
    pieces.push_back(
        {rates->hits[i], rates->hits[i], static_cast<std::uint64_t>(times[i].count())});
  const Result<RateCurve> curve = RateCurve::make(pieces, rates->per, 1);
  if (options.duration) {
    text += format(", over and over{}", for_duration(options.duration));
    return make_curve(curve, options.duration, std::move(text));
  }
  return make_curve(curve, curve ? curve->length() : Duration{0}, std::move(text));
}

LawResult make_sine(std::string_view argument, const ScheduleOptions& options) {
  const auto [amplitude, period] = split_at_sign(argument);
  const Result<RateAndTime> wave = parse_rate_and_time(amplitude, period);
  if (!wave) {
    return fail(
        format("sine: {}; write sine:20/s@1m for 20/s more and less than -rate, each minute",
               wave.error().message));
  }
  const Result<CommonRates> rates = common_rates({options.rate, wave->rate});
  if (!rates) {
    return std::unexpected(rates.error());
  }
  if (rates->hits[1] > rates->hits[0]) {
    return fail(
        format("sine: an amplitude of {} is above the rate of {}: there are no hits below zero",
               rate_text(wave->rate), rate_text(options.rate)));
  }
  const auto level = [&](std::size_t i) {
    const Wide middle = Wide{rates->hits[0]} * kSineScale;
    const Wide change = Wide{rates->hits[1]} * static_cast<std::uint64_t>(std::abs(sine_at(i)));
    const Wide rate = sine_at(i) < 0 ? middle - change : middle + change;
    return static_cast<std::uint64_t>(std::min<Wide>(rate, RateCurve::kRateMax + 1));
  };
  // A tick is so short that a period has a whole number of them in each piece.
  const auto ticks = static_cast<std::uint64_t>(wave->time.count());
  std::vector<RateCurve::Piece> pieces;
  for (std::size_t i = 0; i < kSinePieces; ++i)
    pieces.push_back({level(i), level(i + 1), ticks});
  const Wide per_ticks = Wide{rates->per} * kSineScale * kSinePieces;
  return make_curve(
      RateCurve::make(pieces, per_ticks, kSinePieces), options.duration,
      format("sine {} \u00b1 {} each {}{}", rate_text(options.rate), rate_text(wave->rate),
             go_duration(wave->time), for_duration(options.duration)));
}

}  // namespace forebay::load
