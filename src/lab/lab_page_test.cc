#include "lab/lab_page.h"

#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lab/lab_charts.h"

namespace forebay::lab {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Tone = load::Series::Tone;
using Look = load::Series::Look;

/// Four requests at once for one worker who takes a second; two of them are refused.
Run small_run(const std::string& title, const std::string& scenario) {
  lab::Run run;
  run.title = title;
  run.scenario = scenario;
  run.requests = 4;
  run.statuses = {{"200", 2}, {"502", 2}};
  run.over = 2;
  run.started = {0, 1};
  run.finished = {1, 2};
  run.queues = {{.name = "gunicorn", .limit = 1, .at = {0, 1}, .waiting = {1, 0}},
                {.name = "nginx", .limit = 512, .at = {0, 1}, .waiting = {0, 0}}};
  run.answers = {{.at = 0, .latency = 1, .status = 200, .error = ""},
                 {.at = 0, .latency = 2, .status = 200, .error = ""},
                 {.at = 0, .latency = 0, .status = 502, .error = ""},
                 {.at = 0, .latency = 0, .status = 0, .error = "timeout"}};
  return run;
}

double total(const load::Series& series) {
  return std::accumulate(series.points.begin(), series.points.end(), 0.0,
                         [](double sum, const load::Point& point) { return sum + point.y; });
}

const load::Series* find(const load::Chart& chart, const std::string& name) {
  const auto found = std::ranges::find(chart.series, name, &load::Series::name);
  return found == chart.series.end() ? nullptr : &*found;
}

TEST(Stretches, AreRoundAndFewAndReachToTheEnd) {
  lab::Run run;
  for (const double over : {0.0, 0.05, 1.0, 12.0, 12.1, 50.0, 400.0, 1e5}) {
    run.over = over;
    run.settings.duration = 0;
    const Stretches time = stretches_for({&run, 1});
    EXPECT_GE(time.count, 1U);
    EXPECT_LE(time.count, 120U) << over;
    EXPECT_GE(time.length * static_cast<double>(time.count), over);
  }
  run.over = 50;
  EXPECT_DOUBLE_EQ(stretches_for({&run, 1}).length, 0.5);
}

TEST(Means, AreThoseOfALevelThatChangesWithinAStretch) {
  EXPECT_THAT(means({{.at = 0.5, .by = 2}, {.at = 2.25, .by = -2}}, {.length = 1, .count = 4}),
              ElementsAre(1, 2, 0.5, 0));
  EXPECT_THAT(means({{.at = -3, .by = 1}, {.at = 9, .by = 5}}, {.length = 1, .count = 2}),
              ElementsAre(1, 1));
  EXPECT_THAT(means({{.at = 2, .by = 5}}, {.length = 1, .count = 2}), ElementsAre(0, 0));
}

TEST(AnswersChart, HasEveryAnswerInItsStretchAndTheQueuesThatWereUsed) {
  const lab::Run run = small_run("classic", "burst");
  const load::Chart chart = answers_chart(run, {.length = 0.5, .count = 5});
  ASSERT_EQ(chart.series.size(), 5U);
  EXPECT_EQ(chart.series[0].name, "200");
  EXPECT_EQ(chart.series[0].tone, Tone::kGood);
  EXPECT_EQ(chart.series[1].tone, Tone::kBad);
  EXPECT_EQ(total(chart.series[0]) * chart.bar_width, 2);
  EXPECT_EQ(total(*find(chart, "502")) * chart.bar_width, 1);
  EXPECT_EQ(total(*find(chart, "timeout")) * chart.bar_width, 1);
  EXPECT_NE(find(chart, "queue (gunicorn)"), nullptr);
  EXPECT_EQ(find(chart, "queue (nginx)"), nullptr);
  EXPECT_TRUE(chart.series[4].dashed);
  EXPECT_EQ(chart.series[4].points.back().x, 2.5);
}

TEST(AnswersChart, ThoseThatWereKeptStandForAll) {
  lab::Run run = small_run("classic", "burst");
  run.requests = 4000;
  const load::Chart chart = answers_chart(run, {.length = 1, .count = 3});
  EXPECT_EQ(total(chart.series[0]), 2000);
}

TEST(PlacesChart, PutsEveryRequestWhereItIs) {
  const load::Chart chart = places_chart(small_run("classic", "burst"), {.length = 1, .count = 2});
  const auto* running = find(chart, "in a worker");
  const auto* waiting = find(chart, "in the queue (gunicorn)");
  const auto* clients = find(chart, "clients");
  ASSERT_TRUE(running != nullptr && waiting != nullptr && clients != nullptr);
  EXPECT_EQ(find(chart, "on its way"), nullptr);
  EXPECT_EQ(running->points[0].y, 1);
  EXPECT_EQ(running->points[1].y, 1);
  EXPECT_EQ(waiting->points[0].y, 1);
  EXPECT_EQ(waiting->points[1].y, 0);
  EXPECT_EQ(clients->points[0].y, 2);
  EXPECT_EQ(clients->points[1].y, 1);
  EXPECT_EQ(clients->look, Look::kLine);
}

TEST(LatencyChart, HasASeriesForEachStackAndEnding) {
  const std::vector<lab::Run> runs{small_run("A", "burst"), small_run("B", "burst")};
  const load::Chart chart = latency_chart(runs);
  ASSERT_EQ(chart.series.size(), 6U);
  ASSERT_NE(find(chart, "B: 200"), nullptr);
  EXPECT_EQ(find(chart, "B: 200")->points.back().y, 2000);
}

TEST(LabPage, ShowsTheRunsOfAScenarioBesideEachOther) {
  Experiment experiment;
  experiment.title = "A burst";
  experiment.verdict = "It is so.";
  experiment.quick = true;
  experiment.runs = {small_run("classic", "one"), small_run("Forebay", "one"),
                     small_run("Forebay", "two")};
  experiment.runs[1].notes = {"of two"};
  experiment.runs[2].notes = {"a hint", "of two"};
  experiment.promises = {
      {.stack = "forebay", .scenario = "one", .text = "all", .figures = "2 of 4"}};
  experiment.missing = {"no nginx"};
  const load::Page made = page({&experiment, 1});
  EXPECT_THAT(made.notes, ElementsAre("It is so.", "two: Forebay: a hint", "2 of 3 runs: of two"));
  EXPECT_THAT(made.warnings, ElementsAre("no nginx"));
  EXPECT_THAT(made.subtitle, HasSubstr("the quick form"));
  EXPECT_EQ(made.figures[0].value, "2 of 4");
  ASSERT_EQ(made.charts.size(), 8U);  // 2 x 2 and the latency, then 1 x 2 and the latency
  EXPECT_TRUE(made.charts[1].half);
  EXPECT_THAT(made.charts[1].title, HasSubstr("Forebay: answers"));
  EXPECT_FALSE(made.charts[4].half);
  EXPECT_FALSE(made.charts[5].half);
  EXPECT_EQ(made.charts[4].section, "one");
  EXPECT_EQ(made.charts[5].section, "two");
  ASSERT_EQ(made.tables.size(), 2U);
  EXPECT_EQ(made.tables[0].rows.size(), 3U);
  EXPECT_EQ(made.tables[1].rows[0].back(), "did not come so");
  EXPECT_TRUE(made.tables[0].above);
}

TEST(LabPage, TellsExperimentsApart) {
  std::vector<Experiment> two(2);
  two[0].title = "First";
  two[0].verdict = "Good.";
  two[1].title = "Second";
  two[1].runs = {small_run("Forebay", "one")};
  two[0].missing = two[1].missing = {"no nginx"};
  const load::Page made = page(two);
  EXPECT_THAT(made.notes, ElementsAre("First: Good.", "Second: "));
  EXPECT_EQ(made.warnings.size(), 1U);
  EXPECT_EQ(made.charts[0].section, "Second: one");
  EXPECT_EQ(made.tables[0].title, "Second: What came of it");
}

TEST(LabPage, OfNothingIsAPage) {
  EXPECT_TRUE(page({}).charts.empty());
  Experiment empty;
  empty.runs.resize(1);
  EXPECT_EQ(page({&empty, 1}).charts.size(), 3U);
}

}  // namespace
}  // namespace forebay::lab
