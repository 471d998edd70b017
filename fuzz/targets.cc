// Any bytes as a file of targets of an attack: see check_targets().

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "load/target_check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)forebay::load::check_targets({reinterpret_cast<const char*>(data), size});
  return 0;
}
