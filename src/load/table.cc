#include "load/table.h"

#include <algorithm>

#include "load/go_format.h"

namespace forebay::load {

std::string Table::text() const {
  std::vector<std::size_t> widths;
  for (const auto& line : lines_) {
    widths.resize(std::max(widths.size(), line.size()));
    for (std::size_t i = 0; i + 1 < line.size(); ++i) {
      widths[i] = std::max(widths[i], columns(line[i]) + 2);
    }
  }
  std::string text;
  for (const auto& line : lines_) {
    for (std::size_t i = 0; i + 1 < line.size(); ++i) {
      text += padded(line[i], widths[i]);
    }
    text.append(line.back()).append("\n");
  }
  return text;
}

}  // namespace forebay::load
