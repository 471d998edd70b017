#include "load/schedule.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/text.h"
#include "load/law.h"

namespace forebay::load {
namespace {

constexpr std::array kLaws{
    LawWord{"constant", make_constant}, LawWord{"poisson", make_poisson},
    LawWord{"jitter", make_jitter},     LawWord{"bursts", make_bursts},
    LawWord{"ramp", make_ramp},         LawWord{"steps", make_steps},
    LawWord{"sine", make_sine},         LawWord{"replay", make_replay},
};

std::string words() {
  std::string text;
  for (const LawWord& law : kLaws)
    text.append(text.empty() ? "" : ", ").append(law.word);
  return text;
}

}  // namespace

Result<Schedule> Schedule::make(const ScheduleOptions& options) {
  if (options.rate.per <= Duration{0}) {
    return fail("a rate needs a time above zero: write it as 50, 50/m or 50/1m30s");
  }
  if (options.duration && *options.duration <= Duration{0}) {
    return fail(format("{} is no duration of a schedule: it must be above zero",
                       go_duration(*options.duration)));
  }
  const std::string_view text = options.arrivals;
  const std::string_view word = text.substr(0, text.find(':'));
  const std::string_view argument = text.substr(std::min(text.size(), word.size() + 1));
  const auto* law_word = std::ranges::find(kLaws, word, &LawWord::word);
  if (law_word == kLaws.end()) {
    return fail(format("'{}' is no law of arrivals; there is: {}", text, words()));
  }
  LawResult law = law_word->make(argument, options);
  if (!law) {
    return std::unexpected(std::move(law.error()));
  }
  Schedule schedule;
  schedule.text_ = (*law)->text;
  schedule.hash_ = (*law)->hash;
  schedule.law_ = std::move(*law);
  return schedule;
}

std::optional<std::uint64_t> Schedule::count() const { return law_->count; }

class Arrivals::Cursor {
 public:
  Cursor(std::shared_ptr<const Schedule::Law> law, std::uint64_t part, std::uint64_t parts)
      : law_(std::move(law)), pass_(law_->pass()), n_(part), parts_(parts) {
    CHECK(part < parts);
  }

  std::optional<Arrival> next() {
    if (over_ || (law_->count && n_ >= *law_->count)) {
      return std::nullopt;
    }
    const std::optional<Duration> offset = pass_->offset(n_);
    if (!offset) {
      over_ = true;
      return std::nullopt;
    }
    const Arrival arrival{n_, *offset};
    over_ = parts_ > std::numeric_limits<std::uint64_t>::max() - n_;
    n_ += parts_;
    return arrival;
  }

 private:
  std::shared_ptr<const Schedule::Law> law_;
  std::unique_ptr<Schedule::Law::Pass> pass_;
  std::uint64_t n_;
  std::uint64_t parts_;
  bool over_ = false;
};

Arrivals::Arrivals(const Schedule& schedule, std::uint64_t part, std::uint64_t parts)
    : cursor_(std::make_unique<Cursor>(schedule.law_, part, parts)) {}
Arrivals::Arrivals(Arrivals&&) noexcept = default;
Arrivals::~Arrivals() = default;

std::optional<Arrival> Arrivals::next() { return cursor_->next(); }

}  // namespace forebay::load
