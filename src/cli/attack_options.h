#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "base/result.h"
#include "load/assertions.h"
#include "load/attack.h"
#include "load/rate.h"

namespace CLI {  // NOLINT(readability-identifier-naming)
class App;
}

namespace forebay::cli {

/// What can be told to `forebay attack` beside what load::attack() is given.
struct AttackArguments {
  load::AttackOptions attack;
  std::optional<load::Rate> rate;
  std::optional<std::uint64_t> concurrency;
  std::pair<std::uint64_t, std::uint64_t> shard{0, 1};
  bool http2 = true;
  load::Assertions assertions;
  bool quiet = false;
  std::uint64_t workers = 0;  // vegeta's scripts name them: nothing here needs any
};

void add_attack_options(CLI::App& app, AttackArguments& arguments);

/// What no single option can see: once all are read.
Result<void> check(AttackArguments& arguments);

}  // namespace forebay::cli
