#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "lab/client.h"
#include "lab/result.h"
#include "lab/sampler.h"
#include "lab/sandbox.h"
#include "lab/stack.h"

namespace forebay::lab {

/// What waits for a worker.
struct Waiting {
  std::uint64_t requests = 0;
  std::uint64_t gone = 0;  // in the kernel's queue: whose clients have left
  std::string place;       // of the last one: "2 of 129 places", "position 2, 0.05 s old"
};

/// A few requests that are sent to a stack one by one, by hand, and what happens to them. Times are
/// seconds since it was made.
class Scene {
 public:
  /// Both outlive it.
  Scene(Stack& stack, const Tell& tell) : stack_(stack), tell_(tell), zero_(wall_now()) {}

  [[nodiscard]] double now() const { return wall_now() - zero_; }
  [[nodiscard]] Stack& stack() const { return stack_; }
  [[nodiscard]] bool forebay() const { return stack_.kind() == StackKind::kForebay; }

  /// An event of the run.
  void note(double at, std::string what);
  /// Looks at everything until it is so. Errors: it takes too long, `what` is missed; a server
  /// ends.
  Result<void> until(std::string_view what, const std::function<bool()>& is_so);
  /// Until so many service times have passed.
  Result<void> wait_for(double services);

  /// A client connects and sends its request. Errors: it cannot.
  Result<void> send(std::string_view target);
  /// The client that came last goes.
  void leave();
  /// Of the requests whose clients are there.
  [[nodiscard]] bool all_answered() const;
  /// Of the client that came last; it is answered.
  [[nodiscard]] const Answer& last_answer() const { return *requests_.back().answer; }

  /// Connections that a server has taken from the kernel and whose clients are there.
  [[nodiscard]] bool all_accepted() const;
  [[nodiscard]] Waiting waiting() const;
  /// When the application began (was done) with the first request for `target`.
  [[nodiscard]] std::optional<double> started(std::string_view target) const;
  [[nodiscard]] std::optional<double> finished(std::string_view target) const;

  /// All of it; the scene is over.
  Run collect();

 private:
  struct Request {
    Client client;
    double at = 0;
    std::optional<Answer> answer;
  };
  void look();
  [[nodiscard]] std::optional<double> time_of(const std::vector<Journal::Entry>& entries,
                                              std::string_view target) const;

  Stack& stack_;
  const Tell& tell_;
  double zero_;
  Sampler sampler_;
  std::vector<Request> requests_;
  std::vector<Answer> left_;
  std::vector<Event> events_;
};

}  // namespace forebay::lab
