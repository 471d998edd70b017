#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "load/stream_test_support.h"

/// For tests and the fuzz targets: any bytes at all as a file of results.
namespace forebay::load {

/// Longer than what a fuzzer makes up, shorter than what a length in it may claim.
inline constexpr SourceLimits kCheckLimits{.record_bytes = 1 << 20, .read_bytes = 512};

/// Reads what was written and writes that again.
inline std::string written_again(Encoding encoding, const std::string& text, std::size_t hits) {
  const Found found = find_hits(text);
  CHECK(found.hits.size() == hits);
  return written(encoding, found.hits);
}

/// What was found can be written in every encoding, and read again. Ours keeps all of a hit; the
/// others say the same when they are written again, JSON and CSV from the second time on: at the
/// first, bytes that are no UTF-8 became U+FFFD, and header names that are none were dropped.
inline void check_encodings(const std::vector<Hit>& hits) {
  CHECK(find_hits(written(Encoding::kBinary, hits)).hits == hits);
  for (const Encoding encoding : {Encoding::kJson, Encoding::kGob, Encoding::kCsv}) {
    std::string text = written(encoding, hits);
    if (encoding != Encoding::kGob) {
      text = written_again(encoding, text, hits.size());
    }
    CHECK(written_again(encoding, text, hits.size()) == text);
  }
}

/// Reads all hits and returns their number.
inline std::size_t check_results(std::string_view bytes) {
  const Found found = find_hits(source_of(bytes, kCheckLimits));
  if (!found.hits.empty()) {
    check_encodings(found.hits);
  }
  return found.hits.size();
}

/// The same by one decoder, whatever the first bytes look like.
inline std::size_t check_results(std::string_view bytes, HitDecoder& decoder) {
  ByteSource source = source_of(bytes, kCheckLimits);
  std::vector<Hit> hits;
  Hit hit;
  Result<bool> next = decoder.next(source, hit);
  for (; next && *next; next = decoder.next(source, hit)) {
    hits.push_back(hit);
  }
  CHECK(next || !next.error().message.empty());
  if (!hits.empty()) {
    check_encodings(hits);
  }
  return hits.size();
}

}  // namespace forebay::load
