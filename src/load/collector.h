#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "load/hit.h"
#include "load/result_stream.h"
#include "load/run.h"

namespace forebay::load {

/// Takes the finished hits of all threads and writes them out, on a thread of its own: a reader who
/// is slow delays nobody until kWaitingMax hits wait. give() from any thread, the rest from one.
class Collector {
 public:
  /// The first `count` of the hits are of this batch; the rest are there for their memory.
  struct Batch {
    std::vector<std::unique_ptr<Hit>> hits;
    std::size_t count = 0;
  };
  static constexpr std::size_t kWaitingMax = 200'000;

  struct Options {
    Fd output;         // none: nothing is written
    std::string name;  // of the output, for messages
    Encoding encoding = Encoding::kBinary;
    std::function<void(const Hit&)> look;  // at each hit, on the collector's thread; may be empty
    std::function<void()> failed;          // the output is lost: stop. On the collector's thread
  };

  explicit Collector(Options options);
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;
  ~Collector();

  void begin(const Run& run);
  /// Returns an empty batch. Waits while too many wait already, see held_up().
  Batch give(Batch batch);
  /// Writes the rest. Errors: what went wrong with the output, now or before.
  Result<void> end(const Run& run);

  /// Some thread had to wait: the output is too slow for the load.
  [[nodiscard]] bool held_up() const;
  /// Hits that wait to be written.
  [[nodiscard]] std::size_t waiting() const;

 private:
  void work();
  void consume(const Batch& batch);
  void flush();

  Options options_;
  std::unique_ptr<HitWriter> writer_;
  std::string out_;
  std::optional<Error> error_;  // of the collector's thread until it is joined

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Batch> batches_;
  std::vector<Batch> spare_;  // written, to be filled again
  std::size_t waiting_ = 0;
  bool held_up_ = false;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace forebay::load
