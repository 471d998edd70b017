#include "load/page.h"

#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "load/page_assets.h"

namespace forebay::load {
namespace {

constexpr std::array<std::string_view, 4> kTones{"good", "bad", "censored", "plain"};
constexpr std::array<std::string_view, 3> kLooks{"line", "dots", "bars"};
constexpr std::array<std::string_view, 2> kAxes{"seconds", "quantiles"};

/// To a microsecond.
double round_x(double x) { return std::round(x * 1e6) / 1e6; }

/// To six digits.
double round_y(double y) {
  if (y == 0 || !std::isfinite(y)) {
    return y;
  }
  if (std::abs(y) >= 1e5) {
    return std::round(y);
  }
  const double scale = std::pow(10.0, 5 - std::floor(std::log10(std::abs(y))));
  return std::isfinite(scale) ? std::round(y * scale) / scale : 0;
}

/// What is no finite number becomes null, as JSON has none.
Json to_json(const Series& series) {
  Json x = Json::array();
  Json y = Json::array();
  for (const Point& point : series.points) {
    x.push_back(round_x(point.x));
    y.push_back(round_y(point.y));
  }
  return {{"name", series.name},
          {"hue", series.hue.empty() ? series.name : series.hue},
          {"tone", kTones.at(std::to_underlying(series.tone))},
          {"look", kLooks.at(std::to_underlying(series.look))},
          {"right", series.right},
          {"dashed", series.dashed},
          {"x", std::move(x)},
          {"y", std::move(y)}};
}

Json to_json(const Chart& chart) {
  Json series = Json::array();
  for (const Series& one : chart.series) {
    series.push_back(to_json(one));
  }
  return {{"section", chart.section},
          {"title", chart.title},
          {"note", chart.note},
          {"half", chart.half},
          {"x", kAxes.at(std::to_underlying(chart.x))},
          {"yUnit", chart.y_unit},
          {"rightUnit", chart.right_unit},
          {"log", chart.log_y},
          {"barWidth", chart.bar_width},
          {"series", std::move(series)}};
}

Json to_json(const Page& page) {
  Json figures = Json::array();
  for (const Figure& figure : page.figures) {
    figures.push_back({{"name", figure.name}, {"value", figure.value}, {"detail", figure.detail}});
  }
  Json charts = Json::array();
  for (const Chart& chart : page.charts) {
    charts.push_back(to_json(chart));
  }
  Json tables = Json::array();
  for (const PageTable& table : page.tables) {
    tables.push_back({{"title", table.title},
                      {"above", table.above},
                      {"columns", table.columns},
                      {"rows", table.rows}});
  }
  return {{"title", page.title},           {"subtitle", page.subtitle},
          {"warnings", page.warnings},     {"notes", page.notes},
          {"figures", std::move(figures)}, {"charts", std::move(charts)},
          {"tables", std::move(tables)}};
}

/// JSON that may stand in a <script>: nothing ends or opens one without a "<" (HTML Living
/// Standard, 4.12.1.3), and in JSON that character only stands in strings.
std::string for_script(const Json& json) {
  std::string escaped;
  for (const char c : dump(json)) {
    if (c == '<') {
      escaped += "\\u003c";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

/// The template with what stands for its {{names}}. What was put in is not looked at again.
using Parts = std::array<std::pair<std::string_view, std::string_view>, 5>;
std::string fill(std::string_view text, const Parts& parts) {
  std::string filled;
  for (std::size_t open = 0; (open = text.find("{{")) != std::string_view::npos;) {
    const std::size_t close = text.find("}}", open);
    const std::string_view name = text.substr(open + 2, close - open - 2);
    filled += text.substr(0, open);
    for (const auto& [known, value] : parts) {
      if (known == name) {
        filled += value;
      }
    }
    text.remove_prefix(close + 2);
  }
  return filled += text;
}

}  // namespace

std::string html(const Page& page) {
  const std::string data = for_script(to_json(page));
  std::string styles(assets::uplot_css());
  styles.append("\n").append(assets::page_css());
  return fill(assets::page_html(), {{{"license", assets::uplot_license()},
                                     {"styles", styles},
                                     {"data", data},
                                     {"uplot", assets::uplot_js()},
                                     {"script", assets::page_js()}}});
}

}  // namespace forebay::load
