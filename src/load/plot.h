#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "load/hit.h"
#include "load/page.h"
#include "load/plot_charts.h"
#include "load/run.h"

namespace forebay::load {

struct PlotOptions {
  std::string title = "Forebay Plot";
  std::size_t threshold = 4000;  // most points of a series
};

/// Gathers the hits of attacks, in any order, for a page that shows them over time. Takes 16 bytes
/// per hit, and about as much again while the page is made.
class Plot {
 public:
  explicit Plot(PlotOptions options) : options_(std::move(options)) {}

  void add(const Hit& hit);
  void add(const Run& run);
  /// Seconds on the page count from the first hit of each attack, so that two attacks lie on each
  /// other.
  [[nodiscard]] Page page() &&;

  /// More ways to end than this are put together: nobody could tell their colours apart.
  static constexpr std::size_t kEndingsMax = 40;

 private:
  Ending& ending_of(const Hit& hit);
  [[nodiscard]] std::string subtitle() const;

  PlotOptions options_;
  std::map<std::pair<std::string, std::string>, Ending> endings_;  // by attack and word
  std::int64_t epoch_ns_ = 0;  // of the hit that came first: doubles keep its neighbours exact
  std::int64_t first_ns_ = 0;
  std::uint64_t hits_ = 0;
  std::vector<std::string> warnings_;
  std::vector<std::string> notes_;
  std::vector<std::string> schedules_;
};

}  // namespace forebay::load
