// Any bytes as a file of results in whatever encoding they look like: see check_results().

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "load/result_check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)forebay::load::check_results({reinterpret_cast<const char*>(data), size});
  return 0;
}
