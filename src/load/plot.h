#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "load/figures.h"
#include "load/hit.h"
#include "load/page.h"
#include "load/plot_charts.h"
#include "load/run.h"

namespace forebay::load {

struct PlotOptions {
  std::string title = "Forebay Plot";
  std::size_t threshold = 4000;  // most points of a series
};

/// Gathers the hits of attacks, in any order, for a page that shows them over time. Takes about 24
/// bytes per hit, and some more while the page is made. One thread.
class Plot {
 public:
  explicit Plot(PlotOptions options) : options_(std::move(options)) {}

  void add(const Hit& hit);
  void add(const Run& run) { runs_.push_back(run); }
  /// Seconds on the page count from the first hit of each attack, so that attacks lie on each
  /// other.
  [[nodiscard]] Page page() &&;

  // What is more than these is put together: nobody could tell the colours apart.
  static constexpr std::size_t kAttacksMax = 12;
  static constexpr std::size_t kEndingsMax = 20;  // of an attack

 private:
  struct Gathered {
    std::string name;
    std::int64_t epoch_ns = 0;  // of the hit that came first: doubles keep its neighbours exact
    Figures figures;
    std::map<std::pair<int, Failure>, Ending> endings;  // by status and failure
  };
  Gathered& gathered(const Hit& hit);
  std::vector<Attack> take_attacks();
  void judge_attack(const Attack& attack, Page& page) const;

  PlotOptions options_;
  std::vector<Gathered> attacks_;  // in order of appearance
  std::vector<Run> runs_;
};

}  // namespace forebay::load
