#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "load/downsample.h"

namespace forebay::load {

/// A line, dots or bars in a chart. A tone means the same in all charts, and so does a name in all
/// tones but kPlain; each tone has its own shape of dots, for those who do not see its colours.
struct Series {
  enum class Tone : std::uint8_t { kGood, kBad, kCensored, kPlain };
  enum class Look : std::uint8_t { kLine, kDots, kBars };
  std::string name;
  std::string hue;  // series of one tone and hue have one colour; empty: the name
  Tone tone = Tone::kPlain;
  Look look = Look::kLine;
  bool right = false;         // on the right axis
  bool dashed = false;        // a line
  std::vector<Point> points;  // x ascending; y not a number: a gap
};

/// Bars of one chart stand on each other and have one x each, all series the same.
struct Chart {
  enum class X : std::uint8_t {
    kSeconds,    // all charts of one page are zoomed together
    kQuantiles,  // x = 1 / (1 - q), on a logarithmic axis: the more nines, the more room
  };
  std::string section;  // the heading under which it stands with those after it
  std::string title;
  std::string note;   // what is shown, and what is not
  bool half = false;  // as wide: it may stand beside the next
  X x = X::kSeconds;
  std::string y_unit;      // "ms", "per second"
  std::string right_unit;  // of the right axis, if a series is there
  bool log_y = false;      // at first; the reader chooses
  double bar_width = 0;    // of bars, in x; they begin at their x
  std::vector<Series> series;
};

struct PageTable {
  std::string title;
  bool above = false;  // the charts, not below them
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;  // the first cell names the row
};

/// A large figure at the top.
struct Figure {
  std::string name;
  std::string value;
  std::string detail;
};

struct Page {
  std::string title;
  std::string subtitle;
  std::vector<std::string> warnings;  // why the figures are not to be trusted
  std::vector<std::string> notes;     // what a reader should know
  std::vector<Figure> figures;
  std::vector<Chart> charts;
  std::vector<PageTable> tables;
};

/// One HTML page that needs nothing else: no network, no other file. Any bytes may stand in the
/// texts; what is no UTF-8 is replaced.
[[nodiscard]] std::string html(const Page& page);

}  // namespace forebay::load
