#include "cli/queue_options.h"

#include <algorithm>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/text.h"
#include "cli/add_option.h"

namespace forebay::cli {
namespace {

Result<queue::Order> parse_order(std::string_view text) {
  const auto order = std::ranges::find(queue::kOrderWords, text);
  if (order == queue::kOrderWords.end()) {
    return fail(format("'{}' is no order: use fifo, lifo or adaptive-lifo", text));
  }
  return static_cast<queue::Order>(order - queue::kOrderWords.begin());
}

void add_limits(CLI::App& command, queue::Policy& policy) {
  const std::string group = "Queue";
  add_parsed(command, "--max-wait", policy.wait_max, parse_positive_duration,
             "Longest wait for a server, then 503; set it to your callers' patience", "TIME", "60s")
      ->group(group);
  add_count(command, "--max-queue", policy.length_max, kOne, kMany,
            "Most requests that wait at once; guards memory")
      ->group(group);
  add_parsed(command, "--max-queue-bytes", policy.bytes_max, parse_positive_bytes,
             "Most bytes of bodies that arrive, wait or run at once; beyond: 503", "SIZE", "2G")
      ->group(group);
  command
      .add_flag_callback(
          "--no-learn-patience", [&policy] { policy.learn_patience = false; },
          "Do not lower --max-wait to what clients are seen to bear before they leave")
      ->group(group);
  command
      .add_flag_callback(
          "--no-predict", [&policy] { policy.predict = false; },
          "Do not refuse on arrival what would wait longer than --max-wait, or would be done after "
          "its deadline")
      ->group(group);
}

void set_priorities(front::Settings& settings, const std::vector<std::string>& texts) {
  for (const std::string& text : texts) {
    Result<front::PriorityRule> rule = front::PriorityRule::parse(text);
    if (!rule) {
      throw CLI::ValidationError("--priority", rule.error().message);
    }
    settings.arrivals.priorities.push_back(std::move(*rule));
  }
  settings.queue.turns = true;
}

void add_order(CLI::App& command, front::Settings& settings) {
  const std::string group = "Order of the queue";
  add_parsed(command, "--queue-order", settings.queue.order, parse_order,
             "fifo: who came first. lifo: who came last. adaptive-lifo: who came first, and last "
             "while somebody has waited for a third of the longest wait",
             "ORDER", "fifo")
      ->group(group);
  command
      .add_option_function<std::vector<std::string>>(
          "--priority",
          [&settings](const std::vector<std::string>& texts) { set_priorities(settings, texts); },
          "LEVEL:path=PREFIX or LEVEL:header=NAME[=VALUE], with LEVEL high, normal or low, as in "
          "low:path=/reports/; repeatable, the first that fits counts, others are normal. Who "
          "waits gets on: normal is passed by what comes up to a quarter of --max-wait later, low "
          "up to half of it")
      ->type_name("RULE")
      ->group(group);
  command
      .add_flag_callback(
          "--fair-share",
          [&settings] { settings.arrivals.fair_share = settings.queue.turns = true; },
          "Clients (addresses; see --real-ip) take turns, however many requests each has waiting")
      ->group(group);
  command
      .add_option("--deadline-header", settings.arrivals.deadline_header,
                  "A header by which callers say how long they will wait: 250 or 250ms, or 2s; as "
                  "gRPC has it in grpc-timeout. Who cannot be served by then is refused, at once "
                  "if that is foreseen")
      ->type_name("NAME")
      ->group(group);
}

}  // namespace

void add_queue_options(CLI::App& command, front::Settings& settings) {
  add_limits(command, settings.queue);
  add_order(command, settings);
}

Result<void> check_queue(const front::Settings& settings) {
  if (settings.limits.body_bytes > settings.queue.bytes_max) {
    return fail(
        format("--max-body {} is more than --max-queue-bytes {}: a body of that size could "
               "never wait. Lower the one or raise the other",
               settings.limits.body_bytes, settings.queue.bytes_max));
  }
  if (settings.queue.turns && settings.queue.order != queue::Order::kFifo) {
    return fail(
        format("--queue-order {0} decides by the time of arrival alone, so it does not go with "
               "--priority and --fair-share: leave out the one or the others",
               word(settings.queue.order)));
  }
  return {};
}

}  // namespace forebay::cli
