#pragma once

#include <string_view>

/// The files that make a page, as they were when the program was built.
namespace forebay::load::assets {

std::string_view page_html();  // ours, in web/
std::string_view page_css();
std::string_view page_js();
std::string_view uplot_css();  // uPlot (MIT), which draws the charts
std::string_view uplot_js();
std::string_view uplot_license();

}  // namespace forebay::load::assets
