#pragma once

#include <cstddef>
#include <memory>
#include <unordered_map>
#include <utility>

#include "base/result.h"
#include "load/hit_metrics.h"
#include "net/address.h"
#include "net/listener.h"
#include "net/loop.h"

namespace forebay::load {

/// Answers Prometheus while an attack runs, whatever path it asks for: -prometheus-addr. The
/// loop's thread.
class Exporter {
 public:
  /// Whoever scrapes us is one program, or two.
  static constexpr std::size_t kConnectionsMax = 16;
  static constexpr std::size_t kHeadBytesMax = 16 * 1024;
  static constexpr Duration kTimeLimit = std::chrono::seconds(10);

  /// Errors: nobody may listen there.
  static Result<std::unique_ptr<Exporter>> open(net::Loop& loop, const net::Address& address,
                                                const HitMetrics& metrics);
  Exporter(const Exporter&) = delete;
  Exporter& operator=(const Exporter&) = delete;
  ~Exporter();

 private:
  class Scrape;
  Exporter(net::Loop& loop, net::Listener listener, const HitMetrics& metrics);
  void accepted(Fd socket);
  void over(Scrape& scrape);

  net::Loop& loop_;
  const HitMetrics& metrics_;
  net::Listener listener_;
  std::unordered_map<Scrape*, std::unique_ptr<Scrape>> scrapes_;
};

}  // namespace forebay::load
