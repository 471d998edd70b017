#include "front/memory_return.h"

#include <malloc.h>

namespace forebay::front {

void MemoryReturn::trim() {
  if (has_fallen()) {
    ::malloc_trim(0);
    most_ = now_;
    last_ = Clock::now();
  }
}

}  // namespace forebay::front
