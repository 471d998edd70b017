#include "load/live_view.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <sstream>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/fd.h"
#include "load/go_format.h"
#include "load/live_meter.h"
#include "load/live_screen.h"

namespace forebay::load {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

LiveFigures figures() {
  LiveFigures f;
  f.elapsed = milliseconds(12'437);
  f.total = 6000;
  f.released = 2487;
  f.done = 2475;
  f.rate_asked = 200;
  f.rate_sent = 199.96;
  f.rate_done = 198.6;
  f.statuses = {{0, 5}, {200, 2400}, {404, 2}, {503, 68}};
  f.failures[static_cast<std::size_t>(Failure::kTimeout)] = 3;
  f.failures[static_cast<std::size_t>(Failure::kRefused)] = 2;
  f.failures[static_cast<std::size_t>(Failure::kStatus)] = 70;
  for (int i = 0; i < 800; ++i)
    f.latencies.record(microseconds(1500));
  for (int i = 0; i < 200; ++i)
    f.latencies.record(milliseconds(7));
  f.window = milliseconds(5017);
  f.quantiles = {milliseconds(21), microseconds(35'123), milliseconds(61)};
  f.lag_p99 = microseconds(80);
  return f;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);)
    lines.push_back(line);
  return lines;
}

TEST(LiveView, ShowsTheAttackAsItIs) {
  EXPECT_EQ(live_text(figures(), {24, 100}, false),
            "attack   12.4s  2487 of 6000 hits, 41%\n"
            "rate     200.0/s, asked 200.0/s   done 198.6/s   in flight 12\n"
            "latency  p50 21ms  p90 35.123ms  p99 61ms  (last 5s)   lag p99 80\u00b5s\n"
            "status   none: 5  200: 2400  404: 2  503: 68  \n"
            "errors   refused: 2  timeout: 3  \n"
            "         < 2ms            800  ########################################\n"
            "         < 5ms              0  \n"
            "         < 10ms           200  ##########\n");
}

TEST(LiveView, ShowsAnAttackThatHasJustBegun) {
  LiveFigures f;
  f.name = "first";
  EXPECT_EQ(live_text(f, {}, false),
            "first    0s  0 hits\n"
            "rate     0.0/s   done 0.0/s   in flight 0\n"
            "latency  nothing done  (last 0s)   lag p99 0s\n"
            "status   \n");
}

TEST(LiveView, FitsIntoAnyTerminal) {
  LiveFigures f = figures();
  f.unwritten = 50'000;
  for (Duration latency = microseconds(1); latency < seconds(1000); latency *= 2)
    f.latencies.record(latency);
  for (const std::size_t rows : {0U, 1U, 2U, 5U, 8U, 12U, 20U, 24U, 80U}) {
    for (const std::size_t width : {1U, 10U, 40U, 80U, 200U}) {
      const std::vector<std::string> lines = lines_of(live_text(f, {rows, width}, false));
      EXPECT_LE(lines.size(), std::max<std::size_t>(rows, 2) - 1);
      for (const std::string& line : lines)
        EXPECT_LE(columns(line), width) << line;
    }
  }
  EXPECT_THAT(live_text(f, {80, 80}, false), HasSubstr("< 500\u00b5s"));
  EXPECT_THAT(live_text(f, {20, 80}, false), Not(HasSubstr("< 5"))) << "coarser";
  EXPECT_THAT(live_text(f, {20, 80}, false), HasSubstr("< 10ms"));
}

TEST(LiveView, ColoursWhatMattersAndEndsEachColour) {
  LiveFigures f = figures();
  f.lag_p99 = milliseconds(30);
  const std::string text = live_text(f, {24, 100}, true);
  EXPECT_THAT(text, HasSubstr("\x1b[32m200: 2400  \x1b[0m"));
  EXPECT_THAT(text, HasSubstr("\x1b[31m503: 68  \x1b[0m"));
  EXPECT_THAT(text, HasSubstr("\x1b[33mlag p99 30ms\x1b[0m"));
  const auto count = [&text](std::string_view part) {
    std::size_t found = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
      ++found;
    return found;
  };
  EXPECT_EQ(count("\x1b["), 2 * count("\x1b[0m"));
  EXPECT_EQ(live_text(f, {24, 100}, false).find('\x1b'), std::string::npos);
}

TEST(LiveView, SaysThatTheReaderOfTheResultsIsSlow) {
  LiveFigures f = figures();
  f.unwritten = 10'000;
  EXPECT_THAT(live_text(f, {}, false), HasSubstr("10000 results wait to be written"));
}

TEST(LiveView, HasALineForLogs) {
  EXPECT_EQ(live_line(figures()),
            "12.4s  2487 of 6000 hits, 41%  200.0/s of 200.0/s  in flight 12  "
            "p50 21ms  p90 35.123ms  p99 61ms  lag p99 80\u00b5s  "
            "none: 5  200: 2400  404: 2  503: 68  refused: 2  timeout: 3\n");
}

TEST(LatencyBuckets, AreClosedBelowAndOpenAbove) {
  EXPECT_EQ(LatencyBuckets::end(0), microseconds(1));
  EXPECT_EQ(LatencyBuckets::end(5), microseconds(50));
  EXPECT_EQ(LatencyBuckets::end(24), seconds(100));
  LatencyBuckets buckets;
  buckets.record(Duration{0});
  buckets.record(Duration{999});
  buckets.record(microseconds(1));
  buckets.record(seconds(100) - Duration{1});
  buckets.record(seconds(100));
  buckets.record(Duration::max());
  EXPECT_EQ(buckets.counts[0], 2U);
  EXPECT_EQ(buckets.counts[1], 1U);
  EXPECT_EQ(buckets.counts[24], 1U);
  EXPECT_EQ(buckets.counts[25], 2U);
}

Hit hit(int code, Duration latency, Duration lag) {
  Hit hit;
  hit.code = code;
  hit.latency = latency;
  hit.lag = lag;
  hit.failure = code == 0 ? Failure::kTimeout : Failure::kNone;
  return hit;
}

LiveFigures read(LiveMeter& meter, Duration elapsed, std::uint64_t hits) {
  LiveFigures f;
  f.elapsed = elapsed;
  f.released = f.done = hits;
  meter.read(f);
  return f;
}

TEST(LiveMeter, CountsAllHits) {
  LiveMeter meter;
  for (int i = 0; i < 99; ++i)
    meter.hit(hit(200, milliseconds(10), microseconds(50)));
  meter.hit(hit(0, seconds(30), kUnknown));
  const LiveFigures f = read(meter, seconds(2), 100);
  EXPECT_EQ(f.statuses, (std::map<int, std::uint64_t>{{0, 1}, {200, 99}}));
  EXPECT_EQ(f.failures[static_cast<std::size_t>(Failure::kTimeout)], 1U);
  EXPECT_DOUBLE_EQ(f.rate_sent, 50);
  ASSERT_TRUE(f.quantiles.has_value());
  EXPECT_NEAR(to_seconds((*f.quantiles)[0]), 0.010, 0.0001);
  EXPECT_NEAR(to_seconds(f.lag_p99), 50e-6, 1e-6);
}

TEST(LiveMeter, ForgetsWhatIsOlderThanTheLastSeconds) {
  LiveMeter meter;
  std::uint64_t hits = 0;
  for (int second = 1; second <= 20; ++second) {
    // Slow and many for ten seconds, then quick and few.
    for (int i = 0; i < (second <= 10 ? 100 : 10); ++i, ++hits)
      meter.hit(hit(200, second <= 10 ? seconds(1) : milliseconds(1), Duration{0}));
    const LiveFigures f = read(meter, seconds(second), hits);
    EXPECT_LE(f.window, seconds(5));
    if (second == 10) {
      EXPECT_DOUBLE_EQ(f.rate_sent, 100);
      EXPECT_NEAR(to_seconds((*f.quantiles)[2]), 1, 0.001);
    }
    if (second == 20) {
      EXPECT_DOUBLE_EQ(f.rate_sent, 10);
      EXPECT_NEAR(to_seconds((*f.quantiles)[2]), 0.001, 0.00001);
      EXPECT_EQ(f.statuses.at(200), 1100U);
    }
  }
}

std::string available(int file) {
  std::array<char, 8192> buffer{};
  const ssize_t got = ::read(file, buffer.data(), buffer.size());
  return got > 0 ? std::string(buffer.data(), static_cast<std::size_t>(got)) : "";
}

TEST(LiveScreen, DrawsInPlaceOnATerminal) {
  const Fd ours(::posix_openpt(O_RDWR | O_NOCTTY));
  ASSERT_EQ(::grantpt(ours.get()), 0);
  ASSERT_EQ(::unlockpt(ours.get()), 0);
  const Fd terminal(::open(::ptsname(ours.get()), O_RDWR | O_NOCTTY));
  const winsize window{.ws_row = 6, .ws_col = 30, .ws_xpixel = 0, .ws_ypixel = 0};
  ASSERT_EQ(::ioctl(terminal.get(), TIOCSWINSZ, &window), 0);
  ::setenv("TERM", "xterm", 1);
  ::setenv("NO_COLOR", "1", 1);
  LiveScreen screen(terminal.get());
  ::unsetenv("NO_COLOR");
  EXPECT_TRUE(screen.terminal());
  EXPECT_TRUE(screen.due(Duration{0}));

  LiveFigures f = figures();
  screen.show(f);
  EXPECT_EQ(available(ours.get()),
            "attack   12.4s  2487 of 6000 h\r\n"
            "rate     200.0/s, asked 200.0/\r\n"
            "latency  p50 21ms  p90 35.123m\r\n"
            "status   none: 5  200: 2400  4\r\n"
            "errors   refused: 2  timeout: \r\n");
  EXPECT_FALSE(screen.due(f.elapsed + milliseconds(199)));
  EXPECT_TRUE(screen.due(f.elapsed + milliseconds(200)));
  screen.show(f);
  EXPECT_THAT(available(ours.get()), testing::StartsWith("\r\x1b[5A\x1b[Jattack   12.4s"));
}

TEST(LiveScreen, WritesPlainLinesElsewhere) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
  const Fd reader(ends[0]);
  const Fd writer(ends[1]);
  LiveScreen screen(writer.get());
  EXPECT_FALSE(screen.terminal());
  EXPECT_FALSE(screen.due(milliseconds(4999)));
  EXPECT_TRUE(screen.due(seconds(5)));
  screen.show(figures());
  EXPECT_EQ(available(reader.get()), live_line(figures()));
  // Nobody reads: it does not wait.
  for (int i = 0; i < 2000; ++i)
    screen.show(figures());
}

}  // namespace
}  // namespace forebay::load
