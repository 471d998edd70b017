// Any bytes at all, read whole and in pieces, must make the same answers, and none may break the
// promises that ResponseTranscript checks. The first byte of the input chooses the cuts, and
// whether the answers are to HEAD.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "http/response_transcript.h"

namespace {

using forebay::http::ResponseLimits;
using forebay::http::ResponseTranscript;

// Small, so that the fuzzer finds the limits.
constexpr ResponseLimits kLimits{.head_bytes = 400, .trailer_bytes = 40};

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const bool heads_only = (data[0] & 1) != 0;

  ResponseTranscript whole(kLimits, heads_only);
  whole.feed(input);
  whole.finish();

  ResponseTranscript bytes(kLimits, heads_only);
  for (const char& byte : input)
    bytes.feed({&byte, 1});
  bytes.finish();
  CHECK(bytes.text() == whole.text());

  // Pieces of changing size, from the seed in the first byte.
  ResponseTranscript pieces(kLimits, heads_only);
  uint32_t random = data[0];
  for (size_t start = 0; start < input.size();) {
    random = random * 1664525 + 1013904223;
    const size_t piece_size = 1 + (random >> 16) % 32;
    pieces.feed(input.substr(start, piece_size));
    start += piece_size;
  }
  pieces.finish();
  CHECK(pieces.text() == whole.text());
  return 0;
}
