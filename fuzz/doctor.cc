// Any bytes as what the doctor reads of the kernel, of configuration files and of Forebay's status
// page: see check_foreign_bytes().

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "doctor/foreign_check.h"

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)forebay::doctor::check_foreign_bytes({reinterpret_cast<const char*>(data), size});
  return 0;
}
