// Any bytes as the body of a request: see check_body_framing().

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/body_check.h"

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)forebay::http::check_body_framing({reinterpret_cast<const char*>(data), size});
  return 0;
}
