#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace forebay::load {

/// Columns as wide as their widest cell and two blanks; the last cell of a line stays as it is.
class Table {
 public:
  void add(std::vector<std::string> cells) { lines_.push_back(std::move(cells)); }
  /// One line of text per line.
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::vector<std::string>> lines_;
};

}  // namespace forebay::load
