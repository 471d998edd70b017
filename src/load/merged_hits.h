#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "load/hit.h"
#include "load/result_stream.h"
#include "load/run.h"

namespace forebay::load {

/// The hits of several streams as one, in the order in which they were over, if each stream is in
/// that order. One thread.
class MergedHits {
 public:
  /// `paths` and `stop` as in HitReader::open; no path is stdin. Errors: a stream that cannot be
  /// opened, as soon as it is needed.
  static Result<MergedHits> open(const std::vector<std::string>& paths, int stop = -1);

  /// False: all are over, or `stop` is readable; the caller can go on after that. Errors: as
  /// HitReader; shards of different schedules.
  Result<bool> next(Hit& hit);
  /// What the attacks said of themselves, as far as they were read.
  [[nodiscard]] std::vector<Run> runs() const;

 private:
  struct Stream {
    std::unique_ptr<HitReader> reader;
    Hit next;
  };
  explicit MergedHits(int stop) : stop_(stop) {}
  Result<bool> fill();
  [[nodiscard]] bool stopped() const;

  int stop_;
  std::vector<Stream> streams_;
  std::vector<std::size_t> empty_;  // streams whose next hit was not read yet
  std::vector<std::size_t> ready_;  // heap, by the end of the next hit
  bool checked_ = false;            // that the schedules fit together
};

}  // namespace forebay::load
