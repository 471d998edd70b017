#include "base/text.h"
#include "lab/client.h"
#include "lab/lab.h"

/// Clients that send a byte now and then, as on bad lines, or on purpose: are the others served?
namespace forebay::lab {
namespace {

constexpr unsigned kSlowClients = 200;  // every second one in its head, the others in their body
constexpr double kBytePeriodSeconds = 0.25;
constexpr std::size_t kSlowBytes = 10'000;  // more than they will have sent
constexpr double kLoad = 0.3;               // of the others, of what the workers can do
constexpr double kPromptSeconds = 1;        // and a service time, for 99 % of the others

class SlowClients {
 public:
  /// Errors: one cannot connect.
  Result<void> connect(std::uint16_t port) {
    for (unsigned i = 0; i < kSlowClients; ++i) {
      auto client = Client::connect(port);
      if (!client) {
        return std::unexpected(client.error());
      }
      const bool in_head = i % 2 == 0;
      const std::string head =
          format("POST /slow HTTP/1.1\r\nHost: lab\r\nContent-Length: {}\r\n", kSlowBytes);
      clients_.push_back(
          {.client = std::move(*client),
           .text = head + (in_head ? "X-Slow: " : "\r\n") + std::string(kSlowBytes, 'x'),
           .sent = 0});
      if (!in_head) {
        clients_.back().send(head.size() + 2);
      }
    }
    return {};
  }

  /// Each sends a byte if it is time to. Who was sent away stays away.
  void send(double at) {
    if (at < next_) {
      return;
    }
    next_ = at + kBytePeriodSeconds;
    std::erase_if(clients_, [](Slow& slow) { return !slow.send(1); });
  }

  [[nodiscard]] std::size_t size() const { return clients_.size(); }

 private:
  struct Slow {
    Client client;
    std::string text;
    std::size_t sent;

    bool send(std::size_t bytes) {
      const auto done = client.send(std::string_view(text).substr(sent, bytes));
      sent += done.value_or(0);
      return done.has_value();
    }
  };
  std::vector<Slow> clients_;
  double next_ = 0;
};

Result<Run> send_beside_them(Stack& stack, const Programs& programs, const Tell& tell) {
  SlowClients slow;
  if (auto connected = slow.connect(stack.port()); !connected) {
    return std::unexpected(connected.error());
  }
  Drive how;
  how.meanwhile = [&slow](Stack&, double at) {
    slow.send(at);
    return std::string();
  };
  auto run = drive(stack, programs, how, tell);
  if (run) {
    run->events.push_back({.at = 0, .what = format("{} slow clients are there", kSlowClients)});
    run->events.push_back(
        {.at = run->over, .what = format("{} slow clients are still there", slow.size())});
  }
  return run;
}

Settings settings_of(const Options& o) {
  Settings settings;
  settings.workers = o.workers.value_or(8);
  settings.service = o.service.value_or(0.1);
  settings.rate = o.rate.value_or(kLoad * settings.workers / settings.service);
  settings.duration = o.duration.value_or(o.quick ? 3 : 15);
  settings.patience = o.quick ? 3 : 10;
  settings.somaxconn = o.somaxconn.value_or(4096);
  settings.backlog = o.backlog.value_or(2048);
  return settings;
}

Promise promise_of(const Run& run) {
  Promise promise;
  promise.figures =
      format("{} of {} others answered, p99 {:.2f} s", run.ok(), run.requests, run.p99);
  const bool prompt = run.p99 <= run.settings.service + kPromptSeconds;
  if (run.stack == word(StackKind::kGunicorn)) {
    promise.text = "as reckoned: a slow client holds each worker, nobody else is answered";
    promise.kept = run.ok() == 0;
  } else {
    promise.text = "slow clients hold no worker: all others are answered, soon";
    promise.keep_in_time(run.ok() == run.requests && prompt, run);
  }
  return promise;
}

std::string verdict_of(const std::vector<Run>& runs) {
  std::vector<std::string> words;
  for (const Run& run : runs) {
    words.push_back(format("{} answered {} of {}", run.title, run.ok(), run.requests));
  }
  return format("Of the requests beside {} slow clients, {}.", kSlowClients,
                fmt::join(words, ", "));
}

}  // namespace

Result<Experiment> slow_clients(const Lab& lab) {
  const Settings settings = settings_of(lab.options);
  const Case plan{
      .scenario = format("{:.0f} requests/s beside {} slow clients", settings.rate, kSlowClients),
      .settings = settings,
      .seconds = settings.duration + settings.patience,
      .script = send_beside_them};
  const std::vector<Case> cases =
      side_by_side(lab, {StackKind::kGunicorn, StackKind::kClassic, StackKind::kForebay}, plan);
  auto experiment = make_experiment(lab, cases, cases.size(), promise_of);
  if (!experiment) {
    return experiment;
  }
  experiment->name = "slow-clients";
  experiment->title = "Slow clients";
  experiment->verdict = verdict_of(experiment->runs);
  return experiment;
}

}  // namespace forebay::lab
