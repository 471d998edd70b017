#include "lab/scene.h"

#include <algorithm>
#include <thread>

#include "base/json.h"
#include "base/text.h"
#include "doctor/sockets.h"
#include "doctor/status_page.h"

namespace forebay::lab {
namespace {

constexpr double kServicesMax = 10;  // and a bit: what has not come by then does not come
constexpr Duration kConnectPatience = std::chrono::seconds(1);
constexpr Duration kGlance = std::chrono::milliseconds(2);

Waiting waiting_in_kernel(const Stack& stack) {
  for (const auto& socket : doctor::read_listening_sockets().sockets) {
    const auto name = stack.sockets().find(socket.address);
    if (name != stack.sockets().end() && name->second == "gunicorn") {
      return {.requests = socket.waiting,
              .gone = socket.gone.value_or(0),
              .place = format("{} of {} places", socket.waiting, socket.capacity())};
    }
  }
  return {};
}

Waiting waiting_in_forebay(Stack& stack) {
  const auto text = doctor::read_admin_page(stack.server().pid(), stack.admin(), "/queue");
  const Json page = Json::parse(text ? *text : "", nullptr, false);
  if (!page.is_object() || !page.contains("requests") || page["requests"].empty()) {
    return {};
  }
  const Json& requests = page["requests"];
  return {.requests = requests.size(),
          .gone = 0,
          .place = format("position {}, {:.3f} s old", requests.size(),
                          requests.back().value("age_seconds", 0.0))};
}

/// Of few answers: the percentiles are ranks.
void summarize(Run& run) {
  std::vector<double> latencies;
  for (const Answer& answer : run.answers) {
    run.statuses[answer.status != 0 ? std::to_string(answer.status) : answer.error]++;
    run.over = std::max(run.over, answer.at + answer.latency);
    latencies.push_back(answer.latency);
  }
  std::ranges::sort(latencies);
  const auto rank = [&](double part) {
    return latencies[static_cast<std::size_t>(part * static_cast<double>(latencies.size() - 1))];
  };
  run.requests = latencies.size();
  run.p50 = rank(0.50);
  run.p95 = rank(0.95);
  run.p99 = rank(0.99);
  run.longest = latencies.back();
}

}  // namespace

void Scene::note(double at, std::string what) {
  tell_(what);
  events_.push_back({.at = at, .what = std::move(what)});
}

Result<void> Scene::until(std::string_view what, const std::function<bool()>& is_so) {
  const double patience = kServicesMax * (1 + stack_.settings().service);
  const double deadline = now() + patience;
  while (!is_so()) {
    if (now() > deadline) {
      return fail(format("{} did not come within {:.0f} s", what, patience));
    }
    look();
    if (auto alive = stack_.check(); !alive) {
      return alive;
    }
    std::this_thread::sleep_for(kGlance);
  }
  return {};
}

Result<void> Scene::wait_for(double services) {
  return until("the time", [&] { return now() >= services * stack_.settings().service; });
}

void Scene::look() {
  sampler_.look(stack_, wall_now());
  for (Request& request : requests_) {
    if (const auto status = request.answer ? std::nullopt : request.client.answer()) {
      request.answer = {.at = request.at,
                        .latency = now() - request.at,
                        .status = *status,
                        .error = *status == 0 ? "closed" : ""};
    }
  }
}

Result<void> Scene::send(std::string_view target) {
  const double at = now();
  auto client = Client::connect(stack_.port());
  if (!client) {
    return std::unexpected(client.error());
  }
  if (!client->connected(kConnectPatience)) {
    return fail(
        format("the kernel does not connect to port {}: is its queue full?", stack_.port()));
  }
  client->send(format("GET {} HTTP/1.1\r\nHost: lab\r\n\r\n", target));
  requests_.push_back({.client = std::move(*client), .at = at, .answer = {}});
  return {};
}

void Scene::leave() {
  const double at = requests_.back().at;
  left_.push_back({.at = at, .latency = now() - at, .status = 0, .error = "timeout"});
  requests_.pop_back();  // and its connection
}

bool Scene::all_answered() const {
  return std::ranges::all_of(requests_, [](const auto& r) { return r.answer.has_value(); });
}

bool Scene::all_accepted() const {
  const auto list = doctor::read_accepted_sockets();
  const auto accepted = std::ranges::count_if(list.sockets, [&](const auto& socket) {
    return socket.port == stack_.port() && socket.inode != 0;  // 0: still the kernel's
  });
  return static_cast<std::size_t>(accepted) >= requests_.size();
}

Waiting Scene::waiting() const {
  return forebay() ? waiting_in_forebay(stack_) : waiting_in_kernel(stack_);
}

std::optional<double> Scene::started(std::string_view target) const {
  return time_of(stack_.journal().started, target);
}

std::optional<double> Scene::finished(std::string_view target) const {
  return time_of(stack_.journal().finished, target);
}

std::optional<double> Scene::time_of(const std::vector<Journal::Entry>& entries,
                                     std::string_view target) const {
  const auto found = std::ranges::find(entries, target, &Journal::Entry::target);
  return found == entries.end() ? std::nullopt : std::optional(found->at - zero_);
}

Run Scene::collect() {
  Run run;
  run.stack = word(stack_.kind());
  run.title = title(stack_.kind());
  run.settings = stack_.settings();
  run.answers = left_;
  for (const Request& request : requests_) {
    run.answers.push_back(request.answer.value_or(Answer{.at = request.at, .error = "unfinished"}));
  }
  std::ranges::sort(run.answers, {}, &Answer::at);
  summarize(run);
  const Journal journal = stack_.journal();
  for (const auto& entry : journal.started) {
    run.started.push_back(entry.at - zero_);
  }
  for (const auto& entry : journal.finished) {
    run.finished.push_back(entry.at - zero_);
  }
  run.queues = sampler_.queues(zero_);
  std::ranges::sort(events_, {}, &Event::at);
  run.events = std::move(events_);
  return run;
}

}  // namespace forebay::lab
