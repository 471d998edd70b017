// Any bytes as the response that a worker has written: see check_foreign_response().

#include <cstddef>
#include <cstdint>
#include <span>

#include "workers/foreign_response.h"

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)forebay::workers::check_foreign_response(std::as_bytes(std::span(data, size)));
  return 0;
}
