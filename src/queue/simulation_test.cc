#include "queue/simulation.h"

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include <gtest/gtest.h>

// The scenarios by which the policy was chosen, played with the real queue: docs/overload.md shows
// the table, FOREBAY_PRINT=1 prints it as computed here.
namespace forebay::queue {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

/// Percent of the clients that were served within their patience, by scenario.
using Row = std::map<char, double>;

const std::map<char, Scenario> kScenarios{
    {'A', {}},
    {'B', {.patience = {5, 10, 30, 60}}},
    {'C', {.retries = 3}},
    {'D', {.servers = 12, .load = 0, .patience = {500}, .burst = 200}},
    {'E', {.servers = 8, .load = .85, .patience = {30}}},
    {'F', {.service = .05, .load = .85, .seconds = 300}},
    {'G', {.servers = 8, .load = .6, .patience = {30}, .burst = 100, .burst_every = 120}},
};

Duration wait_max(char scenario) {
  return scenario == 'A' || scenario == 'C' ? seconds(5) : seconds(scenario == 'E' ? 10 : 30);
}

bool print() { return std::getenv("FOREBAY_PRINT") != nullptr; }

/// The mean of two seeds: what the tables before us call noise is up to two points.
double percent_served(const Scenario& scenario, const Policy& policy) {
  constexpr int kSeeds = 2;
  double sum = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    sum += Simulation(scenario, policy, seed).run().served_percent();
  }
  return sum / kSeeds;
}

/// Plays every scenario of the row and compares.
void expect_row(const char* name, const Row& reference, bool sees_departures,
                const std::function<Policy(char)>& policy, double tolerance = 3.5) {
  std::string line;
  for (const auto& [letter, percent] : reference) {
    Scenario scenario = kScenarios.at(letter);
    scenario.sees_departures = sees_departures;
    const double served = percent_served(scenario, policy(letter));
    EXPECT_NEAR(served, percent, tolerance) << name << ", scenario " << letter;
    line += format(" {:6.1f} ({:5.1f})", served, percent);
  }
  if (print()) {
    std::printf("%-24s%s\n", name, line.c_str());
  }
}

constexpr Policy kEndless{
    .wait_max = hours(1000), .learn_patience = false, .length_max = 1'000'000, .predict = false};

TEST(Simulation, AKernelsQueueServesThoseWhoHaveLeft) {
  for (const std::size_t length : {2048U, 128U}) {
    Policy policy = kEndless;
    policy.length_max = length;
    const Row reference = length == 2048 ? Row{{'A', 1.3}, {'B', 2.7}, {'C', 1.2}, {'D', 100},
                                               {'E', 100}, {'F', 100}, {'G', 99.2}}
                                         : Row{{'A', 1.3}, {'B', 6.8}, {'C', 1.2}, {'D', 70},
                                               {'E', 100}, {'F', 100}, {'G', 99.2}};
    expect_row(length == 2048 ? "kernel, 2048" : "kernel, 128", reference, false,
               [&policy](char) { return policy; });
  }
}

TEST(Simulation, DroppingTheGoneIsNecessaryAndNotSufficient) {
  expect_row(
      "gone dropped",
      {{'A', 23.5}, {'B', 59.9}, {'C', 4.7}, {'D', 100}, {'E', 100}, {'F', 100}, {'G', 99.3}}, true,
      [](char) { return kEndless; });
}

TEST(Simulation, AMaximumWaitThatMatchesPatienceGivesNearlyAll) {
  expect_row(
      "and a maximum wait",
      {{'A', 63.5}, {'B', 59.9}, {'C', 63.3}, {'D', 96}, {'E', 100}, {'F', 100}, {'G', 99.3}}, true,
      [](char scenario) {
        Policy policy = kEndless;
        policy.wait_max = wait_max(scenario);
        return policy;
      });
}

TEST(Simulation, PredictionRefusesEarly) {
  const auto policy = [](char scenario) {
    return Policy{.wait_max = wait_max(scenario), .learn_patience = false};
  };
  expect_row(
      "and predicted wait",
      {{'A', 64.4}, {'B', 59.5}, {'C', 63.8}, {'D', 96}, {'E', 99.9}, {'F', 100}, {'G', 98.5}},
      true, policy);
  const Scenario& a = kScenarios.at('A');
  Policy unpredicted = policy('A');
  unpredicted.predict = false;
  EXPECT_NEAR(Simulation(a, unpredicted, 1).run().mean_refusal_wait(), 5.0, 0.7);
  EXPECT_LT(Simulation(a, policy('A'), 1).run().mean_refusal_wait(), 1.5);
}

/// What users get who configure nothing: patience is learned, --max-wait stays at its default.
TEST(Simulation, LearnedPatienceNeedsNoConfiguration) {
  expect_row(
      "default, patience learned",
      {{'A', 63.6}, {'B', 61.3}, {'C', 63.8}, {'D', 100}, {'E', 100}, {'F', 100}, {'G', 98.8}},
      true, [](char) { return Policy{}; });
}

/// Options: a little more of those who try again (C), fewer of a burst that would have been
/// absorbed (G). The reference had a maximum wait in D that was too short for it.
TEST(Simulation, LifoServesMoreOfThoseWhoTryAgainAndFewerOfBursts) {
  expect_row(
      "lifo",
      {{'A', 65.2}, {'B', 65.0}, {'C', 67.8}, {'D', 100}, {'E', 99.7}, {'F', 100}, {'G', 88.5}},
      true, [](char) { return Policy{.order = Order::kLifo}; });
  expect_row(
      "adaptive lifo",
      {{'A', 64.3}, {'B', 64.2}, {'C', 66.2}, {'D', 100}, {'E', 98.3}, {'F', 100}, {'G', 88.6}},
      true, [](char) { return Policy{.order = Order::kAdaptiveLifo}; });
}

/// Who says how long it will wait is refused at once where it would wait in vain.
TEST(Simulation, WhoSaysItsDeadlineIsServedAtLeastAsWell) {
  std::string line;
  for (auto [letter, scenario] : kScenarios) {
    scenario.deadlines = true;
    const double said = percent_served(scenario, {});
    EXPECT_GT(said, percent_served(kScenarios.at(letter), {}) - 2) << "scenario " << letter;
    line += format(" {:6.1f}        ", said);
  }
  if (print()) {
    std::printf("%-24s%s\n", "deadlines said", line.c_str());
  }
}

void print_priorities(const char* name, const Outcome& outcome, const Outcome& equal) {
  if (print()) {
    std::printf("priorities, %s: high %.1f, normal %.1f, low %.1f, all %.1f %%; without: %.1f %%\n",
                name, outcome.served_percent(Priority::kHigh),
                outcome.served_percent(Priority::kNormal), outcome.served_percent(Priority::kLow),
                outcome.served_percent(), equal.served_percent());
  }
}

/// With a load of 150 %, of which each priority is a third, there is room for two of them.
TEST(Simulation, OverloadIsRefusedFromTheLowestPriorityUp) {
  const Scenario scenario{.service = .2, .mixed = true, .seconds = 600};
  const Outcome equal = Simulation(scenario, {}, 1).run();
  const Outcome outcome = Simulation(scenario, {.turns = true}, 1).run();
  EXPECT_GT(outcome.served_percent(Priority::kHigh), 99);
  EXPECT_GT(outcome.served_percent(Priority::kNormal), 90);
  EXPECT_LT(outcome.served_percent(Priority::kLow), 15);
  EXPECT_GT(outcome.served_percent(), equal.served_percent() - 1);
  print_priorities("150 % load", outcome, equal);
}

/// Ageing: high and normal alone would keep the servers busy for ever, and clients are patient. Low
/// is passed for half of the longest wait, and then served.
TEST(Simulation, WhoHasALowPriorityIsServedWhateverComes) {
  const Scenario scenario{.service = .2, .patience = {600}, .mixed = true, .seconds = 600};
  const Policy policy{.turns = true, .predict = false};
  const Outcome equal = Simulation(scenario, {.predict = false}, 1).run();
  const Outcome outcome = Simulation(scenario, policy, 1).run();
  print_priorities("not predicted", outcome, equal);
  EXPECT_GT(outcome.served_percent(Priority::kHigh), 99);
  EXPECT_GT(outcome.served_percent(Priority::kLow), 10);
}

/// One sends as much as the servers can do, twenty others half of it.
TEST(Simulation, FairShareServesTheOthersInFull) {
  const Scenario scenario{.service = .2, .greedy = 2. / 3, .seconds = 600};
  const Outcome equal = Simulation(scenario, {}, 1).run();
  const Outcome outcome = Simulation(scenario, {.turns = true}, 1).run();
  if (print()) {
    std::printf("fair share: others %.1f, greedy %.1f, all %.1f %%; without: %.1f, %.1f, %.1f %%\n",
                outcome.others.percent(), outcome.greedy.percent(), outcome.served_percent(),
                equal.others.percent(), equal.greedy.percent(), equal.served_percent());
  }
  EXPECT_GT(outcome.others.percent(), 99);
  EXPECT_GT(outcome.served_percent(), equal.served_percent() - 1);
  EXPECT_LT(equal.others.percent(), 75);
}

struct Overload {
  double load;
  double first_patience;
  double spread;
  bool constant_service;
};
class SimulatedOverload : public testing::TestWithParam<Overload> {};
INSTANTIATE_TEST_SUITE_P(Loads, SimulatedOverload,
                         testing::Values(Overload{1.5, 2, 0, true}, Overload{3, 2, 0, true},
                                         Overload{1.5, 1, 2, true}, Overload{3, 1, 2, true},
                                         Overload{1.5, 2, 0, false}, Overload{3, 2, 0, false}));

TEST_P(SimulatedOverload, IsUsefulWorkAndEndsAtOnce) {
  constexpr double kCounted = 50;
  const Overload& overload = GetParam();
  const Scenario scenario{.service = .05,
                          .constant_service = overload.constant_service,
                          .load = overload.load,
                          .patience = {overload.first_patience},
                          .patience_spread = overload.spread,
                          .learning = 10,
                          .seconds = 10 + kCounted};
  Simulation simulation(scenario, {}, 1);
  const Outcome outcome = simulation.run();
  const double capacity =
      (outcome.last_answer - scenario.learning) * static_cast<double>(scenario.servers);
  EXPECT_GT(outcome.useful_work / capacity, .95);
  EXPECT_LT(outcome.mean_refusal_wait(), .5);
  if (print()) {
    std::printf("%.0f %%, patience %.0f..%.0f s, %s work: useful %.1f %%, refused after %.3f s\n",
                100 * overload.load, overload.first_patience,
                overload.first_patience + overload.spread,
                overload.constant_service ? "constant" : "exponential",
                100 * outcome.useful_work / capacity, outcome.mean_refusal_wait());
  }
  // Who comes at its end is served within a second.
  EXPECT_LT(outcome.last_answer, scenario.seconds + 1);
}

/// A few who leave early among many who stay are not what clients bear.
TEST(Simulation, FewImpatientOnesDoNotShortenTheWaitOfAll) {
  Scenario scenario{.servers = 8, .load = .95, .patience = std::vector<double>(20, 60.0)};
  scenario.patience[0] = .5;
  Simulation simulation(scenario, {}, 1);
  EXPECT_GT(simulation.run().served_percent(), 94);
  EXPECT_EQ(simulation.queue().wait_limit(TimePoint{hours(1)} + seconds(3000)).why,
            WaitLimit::Why::kSet);
}

}  // namespace
}  // namespace forebay::queue
