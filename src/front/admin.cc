#include "front/admin.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/json.h"
#include "base/text.h"
#include "http/request_parser.h"
#include "net/event.h"
#include "net/stream.h"
#include "net/timer.h"

namespace forebay::front {
namespace {

using Parsed = http::RequestParser::Event;

/// From accept to the last byte; an admin client is a program nearby.
constexpr std::chrono::seconds kTimeLimit{10};
/// Beyond, whoever asks is turned away: descriptors are for clients.
constexpr std::size_t kConnectionsMax = 64;
constexpr std::size_t kQueuePageMax = 10'000;

/// A client's stream, and an end to its patience.
class Talk final : private net::Stream::User {
 public:
  Talk(net::Loop& loop, Fd socket)
      : stream_(loop.poller(), std::move(socket), *this), limit_(loop) {
    limit_.after(kTimeLimit, [this] {
      stream_.close();
      changed_.set();
    });
  }

  /// What has come; nothing: the client is gone.
  net::Task<std::string_view> read() {
    for (;;) {
      const std::size_t bytes = stream_.read(buffer_);
      if (bytes != 0 || stream_.at_end()) {
        co_return std::string_view(buffer_.data(), bytes);
      }
      co_await changed_.wait();
    }
  }
  net::Task<void> write(std::string_view text) {
    while (!text.empty() && !stream_.broken()) {
      const iovec part{const_cast<char*>(text.data()), text.size()};
      text.remove_prefix(stream_.write({&part, 1}));
      if (stream_.blocked()) {
        co_await changed_.wait();
      }
    }
  }

 private:
  void readable() override { changed_.set(); }
  void writable() override { changed_.set(); }

  net::Event changed_;
  net::Stream stream_;
  net::Timer limit_;
  std::array<char, 4096> buffer_{};
};

/// A waiting request.
Json show(const Exchange& exchange, TimePoint now) {
  const std::string_view target = exchange.head.target;
  Json request{{"age_seconds", to_seconds(now - exchange.queued)},
               {"method", exchange.head.method},
               {"path", target.substr(0, target.find('?'))},
               {"client", exchange.remote_host},
               {"bytes", exchange.body.size()},
               {"priority", word(exchange.arrival.priority)}};
  if (exchange.arrival.deadline != queue::kNoDeadline) {
    request["deadline_seconds"] = to_seconds(exchange.arrival.deadline - now);
  }
  return request;
}

}  // namespace

void Admin::start() {
  listener_.accept_on(
      front_.loop(),
      [this](Fd socket) {
        if (open_ == kConnectionsMax) {
          return;
        }
        ++open_;
        net::spawn(serve(std::move(socket)), [this] { --open_; });
      },
      [](int) {});
}

/// One request a connection; a slow client is cut off.
net::Task<void> Admin::serve(Fd socket) {
  Talk talk(front_.loop(), std::move(socket));
  http::RequestParser parser(limits_);
  Parsed event = Parsed::kNeedMore;
  while (event == Parsed::kNeedMore) {
    std::string_view input = co_await talk.read();
    if (input.empty()) {
      co_return;
    }
    event = parser.next(input);
  }
  Page answer{400, "text/plain", "bad request\n"};
  http::RequestFacts facts{.is_head = false, .minor_version = 1, .keep_alive = false};
  if (event == Parsed::kHead) {
    const std::string_view target = parser.head().path_and_query;
    facts.is_head = parser.head().method == "HEAD";
    answer = page(parser.head().method, target.substr(0, target.find('?')));
  }
  std::string text;
  http::HeadWriter head(text, answer.status, "");
  head.field("Content-Type", answer.type);
  head.field("Cache-Control", "no-store");
  const http::HttpDate& date = front_.date_clock().now();
  const auto framing = http::decide_framing(facts, answer.status, std::nullopt, answer.body.size());
  head.finish(framing, facts, {date.data(), date.size()});
  text += framing.body_allowed ? answer.body : "";
  co_await talk.write(text);
}

Admin::Page Admin::page(std::string_view method, std::string_view path) {
  if (method != "GET" && method != "HEAD") {
    return {405, "text/plain", "only GET and HEAD\n"};
  }
  if (path == "/livez" || path == "/healthz") {
    return {200, "text/plain", "ok\n"};
  }
  if (path == "/readyz") {
    return {ready() ? 200 : 503, "text/plain", ready() ? "ready\n" : "not ready\n"};
  }
  if (path == "/metrics") {
    return {200, "text/plain; version=0.0.4; charset=utf-8",
            front_.metrics().prometheus(front_.dispatcher().queue(), oldest_age(),
                                        front_.dispatcher().backend().count_workers())};
  }
  if (path == "/status.json") {
    return {200, "application/json", status()};
  }
  if (path == "/queue") {
    return {200, "application/json", queue()};
  }
  return {404, "text/plain", "Pages: /livez /readyz /metrics /status.json /queue\n"};
}

bool Admin::ready() { return front_.dispatcher().backend().ready() && !front_.draining(); }

Duration Admin::oldest_age() {
  (void)front_.dispatcher().waiting();  // and the queue hears which of them have begun
  const queue::Entry* oldest = front_.dispatcher().queue().oldest();
  return oldest == nullptr ? Duration{0} : Clock::now() - oldest->arrived();
}

std::string Admin::status() {
  const Metrics& m = front_.metrics();
  const WorkerCounts workers = front_.dispatcher().backend().count_workers();
  const queue::RequestQueue& queue = front_.dispatcher().queue();
  const queue::WaitLimit limit = queue.wait_limit(Clock::now());
  Json listeners = Json::array();
  for (const net::Listener& listener : front_.listeners()) {
    listeners.push_back(listener.address().text());
  }
  Json reasons = Json::object();
  for (std::size_t i = 0; i < kReasonWords.size(); ++i) {
    reasons[std::string(kReasonWords[i])] = m.by_reason[i];
  }
  const Json page{
      {"version", 1},
      {"forebay", FOREBAY_VERSION},
      {"uptime_seconds", to_seconds(Clock::now() - m.started)},
      {"ready", ready()},
      {"draining", front_.draining()},
      {"listeners", listeners},
      {"queue",
       {{"requests", queue.length()},
        {"requests_max", queue.longest()},
        {"limit", queue.policy().length_max},
        {"bytes", queue.bytes()},
        {"oldest_age_seconds", to_seconds(oldest_age())},
        {"predicted_wait_seconds", to_seconds(queue.predicted_wait())},
        {"order", queue.turns() ? "turns" : queue::word(queue.policy().order)},
        {"max_wait_seconds", to_seconds(limit.wait)},
        {"max_wait_reason", queue::word(limit.why)},
        {"wait_max_seconds", to_seconds(m.longest_wait)},
        {"mean_service_seconds", to_seconds(queue.mean_service())}}},
      {"servers", {{"total", queue.servers()}, {"busy", queue.busy_servers()}}},
      {"workers",
       {{"idle", workers.idle},
        {"busy", workers.busy},
        {"starting", workers.starting},
        {"stopping", workers.stopping}}},
      {"connections",
       {{"open", m.connections},
        {"accepted", m.connections_accepted},
        {"refused", m.connections_refused}}},
      {"requests", reasons},
  };
  return dump(page, 2) + "\n";
}

/// The oldest first. Whose turn it is and when can be told only where all are equal.
std::string Admin::queue() {
  const TimePoint now = Clock::now();
  const queue::RequestQueue& queue = front_.dispatcher().queue();
  Json requests = Json::array();
  std::size_t position = 0;
  std::vector<Exchange*> waiting = front_.dispatcher().waiting();
  std::ranges::sort(waiting, {}, &Exchange::queued);
  for (const Exchange* exchange : waiting) {
    if (++position > kQueuePageMax) {
      break;
    }
    Json request = show(*exchange, now);
    request["predicted_start_seconds"] = nullptr;
    if (queue.in_order() && queue.servers() != 0) {
      request["predicted_start_seconds"] = to_seconds(queue.mean_service()) *
                                           static_cast<double>(position) /
                                           static_cast<double>(queue.servers());
    }
    requests.push_back(std::move(request));
  }
  return dump({{"length", queue.length()}, {"requests", requests}}, 2) + "\n";
}

}  // namespace forebay::front
