// Any bytes as results in Go's gob: see check_results().

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "load/result_check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto decoder = forebay::load::gob_decoder();
  (void)forebay::load::check_results({reinterpret_cast<const char*>(data), size}, *decoder);
  return 0;
}
