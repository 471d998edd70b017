#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "load/hit.h"
#include "load/run.h"

namespace forebay::load {

/// How hits are written down. binary is ours and the default in pipes: it keeps everything. JSON
/// does too, as vegeta's with our keys after its own. CSV and gob hold what vegeta has.
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

/// Reads hits of whatever encoding, found out from the first record.
class HitReader {
 public:
  /// `name` is for messages; "stdin" or "-" is that stream. Errors: cannot be opened, or
  /// `can't detect encoding of "NAME"`.
  static Result<std::unique_ptr<HitReader>> open(const std::string& path);
  virtual ~HitReader() = default;
  /// False: the stream is over. Errors: a record that makes no sense, with its place.
  virtual Result<bool> next(Hit& hit) = 0;
  /// What the attack said of itself, as far as it was read; null if another tool wrote it.
  [[nodiscard]] virtual const Run* run() const = 0;
};

}  // namespace forebay::load
