// Any bytes in a worker's response ring, and any tail: see drain_foreign_records().

#include <cstddef>
#include <cstdint>
#include <span>

#include "channel/foreign_records.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)forebay::channel::drain_foreign_records(std::as_bytes(std::span(data, size)));
  return 0;
}
