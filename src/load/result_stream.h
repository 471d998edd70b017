#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "load/hit.h"
#include "load/run.h"

namespace forebay::load {

/// How hits are written down. binary is ours and the default in pipes: it keeps everything. JSON
/// keeps every hit, as vegeta's with our keys after its own. CSV and gob hold what vegeta has.
enum class Encoding : std::uint8_t { kBinary, kJson, kCsv, kGob };

/// binary, json, csv, gob. Errors: any other word.
Result<Encoding> parse_encoding(std::string_view word);

/// Puts one encoding into bytes. write() keeps no state: the hits of one stream may be written by
/// several writers of one encoding, between begin() and end() of one of them.
class HitWriter {
 public:
  static std::unique_ptr<HitWriter> make(Encoding encoding);
  virtual ~HitWriter() = default;
  /// Appends to `out`, as all of them do.
  virtual void begin(const Run& run, std::string& out) = 0;
  virtual void write(const Hit& hit, std::string& out) = 0;
  virtual void end(const Run& run, std::string& out) = 0;
};

/// Bytes of one record, and so what a reader may keep in memory. A longer one is an error: it is
/// no record, or it holds a body that -max-body should have cut.
inline constexpr std::size_t kRecordBytesMax = 256 << 20;

/// Reads hits of whatever encoding, found out from the first record. One thread.
class HitReader {
 public:
  /// `path` "stdin" or "-" is that stream. Waits for the first record. `stop` is a descriptor
  /// (signalfd, timerfd, an epoll of both) that ends waiting for more bytes as soon as it is
  /// readable. Errors: cannot be opened, or `can't detect encoding of "NAME"`.
  static Result<std::unique_ptr<HitReader>> open(const std::string& path, int stop = -1);
  virtual ~HitReader() = default;
  /// False: the stream is over, or `stop` is readable; the caller can go on after that. Errors: a
  /// record that makes no sense, with its place.
  virtual Result<bool> next(Hit& hit) = 0;
  /// What the attack said of itself, as far as it was read; null if another tool wrote it.
  [[nodiscard]] virtual const Run* run() const = 0;
};

}  // namespace forebay::load
