#include "front/exchange.h"

#include "base/check.h"

namespace forebay::front {

Reason to_reason(queue::Refusal refusal) {
  switch (refusal) {
    case queue::Refusal::kQueueFull:
      return Reason::kQueueFull;
    case queue::Refusal::kPredictedWait:
      return Reason::kPredictedWait;
    case queue::Refusal::kDeadline:
      return Reason::kDeadline;
  }
  check_failed("unknown refusal");
}

}  // namespace forebay::front
