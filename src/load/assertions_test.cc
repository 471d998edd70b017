#include "load/assertions.h"

#include <gtest/gtest.h>

#include "load/report_test_support.h"

namespace forebay::load {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// 100 hits in 99 s, of 1 to 100 ms, ten of them 503.
Figures hundred(int factor = 1) {
  std::vector<Hit> hits = rising(100, factor * milliseconds{1});
  for (std::size_t i = 0; i < 10; ++i) {
    hits[i * 10].code = 503;
    hits[i * 10].failure = Failure::kStatus;
  }
  return figures_of(hits);
}

std::vector<std::string> failed(std::string_view text) {
  const Result<Assertions> assertions = Assertions::parse(text);
  EXPECT_TRUE(assertions) << text;
  return assertions ? assertions->failed(hundred()) : std::vector<std::string>{};
}

std::string error_of(std::string_view text) {
  const Result<Assertions> assertions = Assertions::parse(text);
  return assertions ? "" : assertions.error().message;
}

TEST(Assertions, HoldOrSayWhatIsWrong) {
  EXPECT_TRUE(failed("p99<250ms,success>=90%,status.503<=10%").empty());
  EXPECT_EQ(failed("p99<25ms, success>=99.9%,status.503<1%"),
            (std::vector<std::string>{"p99<25ms: p99 is 99.5ms", "success>=99.9%: success is 90%",
                                      "status.503<1%: status.503 is 10%"}));
}

TEST(Assertions, KnowEveryMetric) {
  EXPECT_TRUE(failed("min=1ms,mean>50ms,mean<51ms,p50=50.5ms,p90<91ms,p99.9<=100ms,max=100ms,"
                     "rate>1,rate<1.02/s,throughput<1,success=0.9,requests=100,errors=10,"
                     "errors<=10%,error.status=10,error.timeout=0,status.200=90,status.5xx=10,"
                     "status.4xx<1%,censored=0,max!=1s")
                  .empty());
}

TEST(Assertions, FailWhereNothingWasMeasured) {
  EXPECT_EQ(failed("service.p99<1h"),
            (std::vector<std::string>{"service.p99<1h: service.p99 was not measured"}));
  EXPECT_EQ(Assertions::parse("p99<1s,success>0%,status.503<1%")->failed(Figures{}).size(), 3);
}

TEST(Assertions, AreAboutThePartsToo) {
  Hit hit = hit_at({}, milliseconds{10});
  hit.lag = milliseconds{4};
  const Result<Assertions> assertions = Assertions::parse("service.p99=6ms,lag.max<4ms");
  EXPECT_EQ(assertions->failed(figures_of({hit})),
            (std::vector<std::string>{"lag.max<4ms: lag.max is 4ms"}));
}

TEST(Assertions, CompareWithARunBefore) {
  const Result<Assertions> assertions = Assertions::parse("p99.change<10%,rate.change>=-1%");
  const Figures before = hundred();
  const Figures after = hundred(2);
  EXPECT_TRUE(assertions->compare());
  EXPECT_FALSE(Assertions::parse("p99<1s")->compare());
  EXPECT_EQ(assertions->failed(after, &before),
            (std::vector<std::string>{"p99.change<10%: p99.change is +100.00%"}));
  EXPECT_TRUE(assertions->failed(before, &after).empty());
  EXPECT_EQ(assertions->failed(after).size(), 2) << "without a run before nothing is known";
}

TEST(Assertions, SayWhichWordMakesNoSense) {
  EXPECT_NE(error_of("p99").find("'p99' is no assertion"), std::string::npos);
  EXPECT_NE(error_of("").find("'' is no assertion"), std::string::npos);
  EXPECT_NE(error_of("p99<1s,,").find("'' is no assertion"), std::string::npos);
  EXPECT_NE(error_of("latency<1s").find("no metric 'latency'; there is: min, mean"),
            std::string::npos);
  for (const char* name : {"p0", "p100", "pinf", "p", "service", "service.p", "lag.success", "."}) {
    EXPECT_NE(error_of(std::string(name) + "<1s").find("no metric"), std::string::npos) << name;
  }
  EXPECT_NE(error_of("error.tired<1").find("no class of errors 'tired'; there is: status, dns"),
            std::string::npos);
  EXPECT_NE(error_of("status.20<1%,status.x=1").find("'x' is no status"), std::string::npos);
  EXPECT_EQ(error_of("p99<250"), "'250' is no value for p99: write it as 250ms");
  EXPECT_EQ(error_of("success>x"), "'x' is no value for success: write it as 99.9%");
  EXPECT_EQ(error_of("rate>1ms"), "'1ms' is no value for rate: write it as 100 or 100/s");
  EXPECT_EQ(error_of("requests>1%"), "'1%' is no value for requests: write it as 10");
  EXPECT_EQ(error_of("p99.change<1ms"), "'1ms' is no value for p99: write it as 10%");
}

}  // namespace
}  // namespace forebay::load
