#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "lab/peers.h"
#include "lab/result.h"
#include "lab/sandbox.h"
#include "lab/stack.h"

namespace forebay::lab {

/// What an experiment does beside the load.
struct Drive {
  std::string arrivals;  // a law of `forebay attack`, in place of the settings' constant rate
  std::string target = "/";
  /// Called often while the load runs, with the seconds since it began; says what it did, if it did
  /// anything.
  std::function<std::string(Stack& stack, double at)> meanwhile;
  /// Goes on looking until the application has nothing to do any more.
  bool settle = false;
};

/// Sends the load of the stack's settings with `forebay attack`, an open loop in a process of its
/// own, looks at the queues meanwhile, and says what became of every request. Errors: a server
/// ends, the attack fails.
Result<Run> drive(Stack& stack, const Programs& programs, const Drive& how, const Tell& tell);

}  // namespace forebay::lab
