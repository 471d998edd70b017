// Any bytes at the start of a connection that a proxy has made: see check_proxy_header().

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "net/proxy_header_check.h"

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)forebay::net::check_proxy_header({reinterpret_cast<const char*>(data), size});
  return 0;
}
