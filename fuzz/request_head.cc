// Any bytes at all, read whole and in pieces, must make the same requests, and no request may break
// the promises that Transcript checks. The first byte of the input chooses the cuts.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "http/transcript.h"

namespace {

using forebay::http::RequestLimits;
using forebay::http::Transcript;

// Small, so that the fuzzer finds the limits.
constexpr RequestLimits make_limits() {
  RequestLimits limits;
  limits.request_line_bytes = 200;
  limits.fields = 12;
  limits.field_bytes = 120;
  limits.head_bytes = 600;
  limits.chunk_line_bytes = 24;
  limits.trailer_bytes = 80;
  limits.body_bytes = 300;
  return limits;
}

constexpr RequestLimits kLimits = make_limits();

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);

  Transcript whole(kLimits);
  whole.feed(input);
  const std::string expected = whole.text();

  Transcript bytes(kLimits);
  for (const char& byte : input)
    bytes.feed({&byte, 1});
  CHECK(bytes.text() == expected);

  // Pieces of changing size, from the seed in the first byte.
  Transcript pieces(kLimits);
  uint32_t random = data[0];
  for (size_t start = 0; start < input.size();) {
    random = random * 1664525 + 1013904223;
    const size_t piece_size = 1 + (random >> 16) % 32;
    pieces.feed(input.substr(start, piece_size));
    start += piece_size;
  }
  CHECK(pieces.text() == expected);
  return 0;
}
