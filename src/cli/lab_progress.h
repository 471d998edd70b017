#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "lab/lab.h"

namespace forebay::cli {

/// On stderr: on a terminal one line that changes, elsewhere a line for each run that is done.
class LabProgress final : public lab::Progress {
 public:
  LabProgress();
  void plan(std::string_view text) override;
  void going(const std::vector<std::string>& states) override;
  void done(std::string_view text) override;
  /// Takes the changing line away.
  void clear();

 private:
  void line(std::string_view text);

  bool terminal_;
  TimePoint began_ = Clock::now();
};

}  // namespace forebay::cli
