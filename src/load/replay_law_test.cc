#include <unistd.h>

#include <cstdio>
#include <fstream>

#include <gtest/gtest.h>

#include "base/text.h"
#include "load/log_time.h"
#include "load/schedule.h"
#include "load/schedule_test.h"

namespace forebay::load {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kAt =
    1'795'221'299 * kSecond;  // date -u -d @1795221299: 2026-11-21 00:34:59

TEST(LogTime, IsFoundInTheLogsThatThereAre) {
  const LogTime whole{kAt, true};
  EXPECT_EQ(find_log_time(R"(127.0.0.1 - - [21/Nov/2026:00:34:59 +0000] "GET / HTTP/1.1" 200 2)"),
            whole);
  EXPECT_EQ(find_log_time(R"([x] ::1 - me [21/Nov/2026:06:04:59 +0530] "GET /[a] HTTP/1.1")"),
            whole);
  EXPECT_EQ(find_log_time("2026-11-21T00:34:59Z GET /"), whole);
  EXPECT_EQ(find_log_time("2026-11-20 16:34:59-08:00 GET /"), whole);
  EXPECT_EQ(find_log_time("2026-11-21 00:34:59,123 GET /"), whole);
  EXPECT_EQ(find_log_time("2026-11-21T00:34:59.25Z"), (LogTime{kAt + kSecond / 4, false}));
  EXPECT_EQ(find_log_time(R"({"ts":"2026-11-21T00:34:59.000001Z","remote":"::1"})"),
            (LogTime{kAt + 1000, false}));
  EXPECT_EQ(find_log_time("1795221299"), whole);
  EXPECT_EQ(find_log_time("1795221299.250 GET /"), (LogTime{kAt + kSecond / 4, false}));
  EXPECT_EQ(find_log_time("1795221299250,GET"), (LogTime{kAt + kSecond / 4, false}));
  EXPECT_EQ(find_log_time("0"), (LogTime{0, true}));
  EXPECT_EQ(find_log_time("99999999999"), std::nullopt) << "the year 5138 in ns";
  EXPECT_EQ(find_log_time("1.5s"), (LogTime{kSecond * 3 / 2, false}));
  EXPECT_EQ(find_log_time("20ms"), (LogTime{20'000'000, false}));
}

TEST(LogTime, IsNotFoundWhereThereIsNone) {
  for (const char* line :
       {"", "GET /", "[", "[21/Nov/2026:00:34:59]", "[21/Xxx/2026:00:34:59 +0000]",
        "[21/anF/2026:00:34:59 +0000]", "[31/Feb/2026:00:34:59 +0000]",
        "[21/Nov/2026:24:34:59 +0000]", "2026-11-21", "2026-11-21T", "{", "{\"ts\":1}", "12x", "-",
        ".", "1.2.3.4 - -", "18446744073709551616"}) {
    EXPECT_EQ(find_log_time(line), std::nullopt) << line;
  }
}

class ReplayLaw : public testing::Test {
 protected:
  ReplayLaw() {
    path_ = testing::TempDir() + "access-XXXXXX";
    ::close(::mkstemp(path_.data()));
  }
  ~ReplayLaw() override { std::remove(path_.c_str()); }

  [[nodiscard]] Schedule replay(const std::string& log, const std::string& speed = "",
                                std::optional<Duration> duration = std::nullopt) const {
    std::ofstream(path_) << log;
    return schedule({50, seconds(1)}, duration, "replay:" + path_ + speed);
  }
  [[nodiscard]] std::string error(const std::string& log, const std::string& speed = "") const {
    std::ofstream(path_) << log;
    const Result<Schedule> made = Schedule::make({.arrivals = "replay:" + path_ + speed});
    return made ? "no error" : made.error().message;
  }
  std::string path_;
};

TEST_F(ReplayLaw, SendsAtTheTimesOfTheLogFromItsFirstOn) {
  const Schedule log = replay("100.5 a\n101.25 b\n103.001 c\n");
  EXPECT_EQ(log.count(), 3U);
  EXPECT_EQ(all(log), (std::vector<Duration>{Duration{0}, milliseconds(750), milliseconds(2501)}));
  EXPECT_EQ(log.text(), "replay of " + path_);
}

TEST_F(ReplayLaw, PutsTheLinesInOrder) {
  EXPECT_EQ(all(replay("3.5\n1.5\n2.5\n")),
            (std::vector<Duration>{seconds(0), seconds(1), seconds(2)}));
}

TEST_F(ReplayLaw, SpreadsTheHitsOfASecondEvenly) {
  std::string log;
  for (const char* second : {"00", "00", "00", "00", "01", "03", "03"})
    log += format("::1 - - [21/Nov/2026:00:34:{} +0000] \"GET / HTTP/1.1\" 200 2\n", second);
  EXPECT_EQ(all(replay(log)),
            (std::vector<Duration>{seconds(0), milliseconds(250), milliseconds(500),
                                   milliseconds(750), seconds(1), seconds(3), milliseconds(3500)}));
  EXPECT_EQ(all(replay("1\n1\n1.5\n")),
            (std::vector<Duration>{seconds(0), seconds(0), milliseconds(500)}))
      << "this log has a finer clock: its hits were at once";
}

TEST_F(ReplayLaw, HasASpeed) {
  const std::string log = "0.5s\n1.5s\n2.5s\n";
  EXPECT_EQ(all(replay(log, "@4")),
            (std::vector<Duration>{seconds(0), milliseconds(250), milliseconds(500)}));
  EXPECT_EQ(all(replay(log, "@0.1")),
            (std::vector<Duration>{seconds(0), seconds(10), seconds(20)}));
  EXPECT_EQ(replay(log, "@0.1").text(), "replay of " + path_ + " at speed 0.1");
}

TEST_F(ReplayLaw, EndsWithTheDuration) {
  const Schedule cut = replay("0.0\n1.0\n2.0\n3.0\n", "", seconds(2));
  EXPECT_EQ(all(cut), (std::vector<Duration>{seconds(0), seconds(1)}));
  EXPECT_NE(cut.hash(), replay("0.0\n1.0\n2.0\n3.0\n").hash());
  EXPECT_EQ(cut.hash(), replay("5.0\n6.0\n").hash()) << "the same hits";
}

TEST_F(ReplayLaw, LeavesOutLinesWithoutATimeAndSaysSo) {
  const Schedule log = replay("# a comment\n\n1.5\nrubbish\n2.5\n");
  EXPECT_EQ(log.count(), 2U);
  EXPECT_EQ(log.text(), "replay of " + path_ + ", without 2 lines that have no time");
}

TEST_F(ReplayLaw, RefusesWhatCannotBeReplayed) {
  EXPECT_EQ(error(""), format("replay: {} is empty: there is nothing to replay", path_));
  EXPECT_EQ(error("\n\nno time\nhere\n"),
            format("replay: there is no time of arrival in 'no time' (line 3 of {})", path_));
  EXPECT_EQ(error("1\n", "@0"), "'0' is no speed of a replay: it must be above zero");
  EXPECT_EQ(error("1\n", "@-1"), "'-1' is no speed of a replay: it must be above zero");
  EXPECT_EQ(error("1\n", "@fast"),
            format("replay: cannot open {}@fast: No such file or directory", path_));
  EXPECT_EQ(error("0.0\n9000000000.0\n", "@0.5"),
            format("replay: at speed 0.5, {} lasts more than 292 years", path_));
  const Result<Schedule> none = Schedule::make({.arrivals = "replay"});
  EXPECT_EQ(
      none.error().message,
      "replay needs an access log: write replay:access.log, or replay:access.log@2 for twice the "
      "speed");
}

TEST_F(ReplayLaw, IsTheUnionOfItsParts) {
  std::string log;
  for (int i = 0; i < 1000; ++i)
    log += format("{}.{:03}\n", i / 7, i * 37 % 1000);
  const Schedule whole = replay(log);
  std::vector<Duration> merged(1000);
  for (std::uint64_t part = 0; part < 3; ++part) {
    Arrivals arrivals(whole, part, 3);
    while (const std::optional<Arrival> arrival = arrivals.next())
      merged.at(arrival->sequence) = arrival->offset;
  }
  EXPECT_EQ(merged, all(whole));
}

}  // namespace
}  // namespace forebay::load
