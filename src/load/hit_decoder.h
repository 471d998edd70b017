#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "load/byte_source.h"
#include "load/hit.h"
#include "load/result_stream.h"
#include "load/run.h"

namespace forebay::load {

/// Finds hits in the bytes of one encoding: what is behind a HitReader.
class HitDecoder {
 public:
  virtual ~HitDecoder() = default;
  /// False: the source has ended, or its `stop` is readable. Takes only whole records. Errors: the
  /// place in the file, and what is wrong there.
  virtual Result<bool> next(ByteSource& source, Hit& hit) = 0;
  [[nodiscard]] virtual const Run* run() const { return nullptr; }
};

/// The first byte of our binary streams; no other encoding begins so.
inline constexpr char kBinaryFirst = '\x89';

std::unique_ptr<HitDecoder> binary_decoder();
std::unique_ptr<HitDecoder> json_decoder();
std::unique_ptr<HitDecoder> csv_decoder();
std::unique_ptr<HitDecoder> gob_decoder();
std::unique_ptr<HitWriter> binary_writer();
std::unique_ptr<HitWriter> json_writer();
std::unique_ptr<HitWriter> csv_writer();
std::unique_ptr<HitWriter> gob_writer();

/// A reader of a source that is open already.
Result<std::unique_ptr<HitReader>> read_hits(ByteSource source);

}  // namespace forebay::load
