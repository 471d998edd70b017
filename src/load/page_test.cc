#include "load/page.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"

namespace forebay::load {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string between(const std::string& text, const std::string& begin, const std::string& end) {
  const std::size_t from = text.find(begin) + begin.size();
  return text.substr(from, text.find(end, from) - from);
}

/// What the page's script reads.
std::string data(const std::string& page) {
  return between(page, R"(<script type="application/json" id="data">)", "</script>");
}

Page titled(const std::string& title) {
  Page page;
  page.title = title;
  return page;
}

TEST(Page, IsOneFileThatNeedsNothingElse) {
  const std::string page = html(titled("A title"));
  EXPECT_TRUE(page.starts_with("<!doctype html>"));
  EXPECT_THAT(page, HasSubstr("var uPlot=function"));
  EXPECT_THAT(page, HasSubstr(".u-legend"));
  EXPECT_THAT(page, HasSubstr("Leon Sorokin")) << "the license of uPlot";
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  EXPECT_THAT(page, Not(HasSubstr("{{")));
  EXPECT_THAT(page, Not(HasSubstr("src=")));
  EXPECT_THAT(page, Not(HasSubstr("href=")));
}

TEST(Page, TextsCannotLeaveTheirPlace) {
  const std::string evil = "</script><script>alert(1)</script><!-- {{uplot}} \" \\ & \u2028";
  Page with_evil = titled(evil);
  with_evil.subtitle = evil;
  with_evil.warnings = {evil};
  with_evil.charts.emplace_back().title = evil;
  with_evil.charts.back().series.emplace_back().name = evil;
  const std::string page = html(with_evil);
  EXPECT_THAT(page, Not(HasSubstr("alert(1)</script>")));
  EXPECT_THAT(data(page), Not(HasSubstr("<")));
  const Json read = Json::parse(data(page));
  EXPECT_EQ(read["title"], evil);
  EXPECT_EQ(read["charts"][0]["series"][0]["name"], evil);
}

TEST(Page, SaysWhereChartsAndTablesStand) {
  Page page;
  page.charts.emplace_back().section = "A section";
  page.charts.back().half = true;
  page.tables.emplace_back().above = true;
  const Json read = Json::parse(data(html(page)));
  EXPECT_EQ(read["charts"][0]["section"], "A section");
  EXPECT_EQ(read["charts"][0]["half"], true);
  EXPECT_EQ(read["tables"][0]["above"], true);
}

TEST(Page, BytesThatAreNoTextAreReplaced) {
  const Json read = Json::parse(data(html(titled("a\xff\xfe z"))));
  EXPECT_THAT(read["title"].get<std::string>(), HasSubstr("\uFFFD"));
}

TEST(Page, NumbersAreAsShortAsTheyCanBeSeen) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  Page page;
  page.charts.emplace_back().series.emplace_back().points = {
      {0.1 + 0.2, 1.0 / 3}, {1.00000049, 123456789.123}, {2, nan}, {3, infinity}, {4, 0},
      {5, 5e-324}};
  const std::string text = data(html(page));
  EXPECT_THAT(text, HasSubstr(R"("x":[0.3,1.0,2.0,3.0,4.0,5.0])"));
  EXPECT_THAT(text, HasSubstr(R"("y":[0.333333,123456789.0,null,null,0.0,0.0])"));
}

}  // namespace
}  // namespace forebay::load
