#include "front/metrics.h"

#include <algorithm>
#include <iterator>

#include "base/text.h"
#include "front/backend.h"
#include "front/record.h"
#include "queue/queue.h"

namespace forebay::front {
namespace {

/// Writes one metric family after the other.
class Page {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    format_to(std::back_inserter(text_), "# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, type);
  }
  template <typename T>
  void value(T number, std::string_view labels = {}) {
    sample("", labels, number);
  }
  void histogram(const SecondsHistogram& histogram, std::string_view labels = {}) {
    std::uint64_t cumulative = 0;
    const std::string comma = labels.empty() ? "" : ",";
    for (std::size_t i = 0; i <= histogram.bounds().size(); ++i) {
      cumulative += histogram.in_bucket(i);
      const std::string bound =
          i < histogram.bounds().size() ? format("{}", histogram.bounds()[i]) : "+Inf";
      sample("_bucket", format("{}{}le=\"{}\"", labels, comma, bound), cumulative);
    }
    sample("_sum", labels, histogram.sum());
    sample("_count", labels, histogram.count());
  }
  /// A family with a single sample.
  template <typename T>
  void single(std::string_view name, std::string_view type, std::string_view help, T number) {
    family(name, type, help);
    value(number);
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  template <typename T>
  void sample(std::string_view suffix, std::string_view labels, T number) {
    if (labels.empty()) {
      format_to(std::back_inserter(text_), "{}{} {}\n", name_, suffix, number);
    } else {
      format_to(std::back_inserter(text_), "{}{}{{{}}} {}\n", name_, suffix, labels, number);
    }
  }
  std::string text_;
  std::string name_;
};

/// What --priority and --fair-share add.
void write_turns(Page& page, const Metrics& m, const queue::Turns& turns) {
  const auto by_priority = [&page](const auto& count_of) {
    for (std::size_t i = 0; i < queue::kPriorityWords.size(); ++i) {
      page.value(count_of(i), format("priority=\"{}\"", queue::kPriorityWords[i]));
    }
  };
  page.family("forebay_queue_requests_by_priority", "gauge",
              "Requests waiting now, those at the servers' door apart.");
  by_priority([&turns](std::size_t i) { return turns.waiting(static_cast<queue::Priority>(i)); });
  page.family("forebay_requests_by_priority_total", "counter", "Requests by priority.");
  by_priority([&m](std::size_t i) { return m.by_priority[i]; });
  page.family("forebay_queue_rejected_by_priority_total", "counter",
              "Requests answered 503 for want of servers.");
  by_priority([&m](std::size_t i) { return m.refused_by_priority[i]; });
  page.single("forebay_queue_clients", "gauge",
              "Clients that have requests waiting; one in two priorities counts twice.",
              turns.clients());
}

void write_queue(Page& page, const Metrics& m, const queue::RequestQueue& queue, Duration oldest) {
  page.single("forebay_queue_requests", "gauge", "Requests waiting for a server now.",
              queue.length());
  page.single("forebay_queue_requests_max", "gauge", "Most requests that waited at once.",
              queue.longest());
  page.single("forebay_queue_limit", "gauge", "Most requests that may wait at once.",
              queue.policy().length_max);
  page.single("forebay_queue_bytes", "gauge", "Bodies of waiting and running requests.",
              queue.bytes());
  page.single("forebay_queue_oldest_age_seconds", "gauge", "Age of the longest waiting request.",
              to_seconds(oldest));
  page.single("forebay_queue_predicted_wait_seconds", "gauge",
              "How long a request that arrives now would wait.",
              to_seconds(queue.predicted_wait()));
  const queue::WaitLimit limit = queue.wait_limit(Clock::now());
  page.single("forebay_queue_effective_max_wait_seconds", "gauge",
              "Longest time a request may wait: --max-wait, or less where clients leave sooner.",
              to_seconds(limit.wait));
  page.family("forebay_queue_max_wait_reason", "gauge", "Why the limit is what it is: 1 at one.");
  for (const auto why : {queue::WaitLimit::Why::kSet, queue::WaitLimit::Why::kLearned,
                         queue::WaitLimit::Why::kFloor}) {
    page.value(limit.why == why ? 1 : 0, format("reason=\"{}\"", queue::word(why)));
  }
  page.family("forebay_queue_wait_seconds", "histogram", "Time in the queue, by what ended it.");
  page.histogram(m.wait_dispatched, "outcome=\"dispatched\"");
  page.histogram(m.wait_shed, "outcome=\"shed\"");
  page.histogram(m.wait_gone, "outcome=\"gone\"");
  page.family("forebay_queue_rejected_total", "counter", "Requests answered 503, never run.");
  for (const Reason reason : {Reason::kQueueFull, Reason::kQueueTimeout, Reason::kPredictedWait,
                              Reason::kDeadline, Reason::kShuttingDown, Reason::kNoRoom}) {
    page.value(m.by_reason[static_cast<std::size_t>(reason)],
               format("reason=\"{}\"", word(reason)));
  }
  page.single("forebay_queue_abandoned_total", "counter", "Clients that left while queued.",
              m.abandoned);
  page.single("forebay_deadlines_ignored_total", "counter",
              "Requests whose --deadline-header is no time.", m.deadlines_ignored);
  if (queue.turns()) {
    write_turns(page, m, *queue.turns());
  }
}

void write_workers(Page& page, const Metrics& m, const WorkerCounts& workers) {
  page.family("forebay_workers", "gauge", "Worker processes by state.");
  page.value(workers.idle, "state=\"idle\"");
  page.value(workers.busy, "state=\"busy\"");
  page.value(workers.starting, "state=\"starting\"");
  page.value(workers.stopping, "state=\"stopping\"");
  page.single("forebay_worker_busy_seconds_total", "counter", "Time that servers ran requests.",
              m.busy_seconds);
  page.family("forebay_worker_start_seconds", "histogram",
              "From the order to fork a worker until it takes requests.");
  page.histogram(m.worker_start);
  page.family("forebay_worker_restarts_total", "counter", "Workers replaced, by reason.");
  page.value(m.restarts_crash, "reason=\"crash\"");
  page.value(m.restarts_timeout, "reason=\"timeout\"");
  page.value(m.restarts_reload, "reason=\"reload\"");
  page.value(m.restarts_max_requests, "reason=\"max_requests\"");
  page.value(m.restarts_memory, "reason=\"memory\"");
}

void write_http(Page& page, const Metrics& m) {
  page.family("forebay_requests_total", "counter", "Requests by how they ended.");
  for (std::size_t i = 0; i < kReasonWords.size(); ++i) {
    page.value(m.by_reason[i], format("reason=\"{}\"", kReasonWords[i]));
  }
  page.family("forebay_responses_total", "counter", "Requests by status; 499: the client left.");
  for (std::size_t status = 100; status < m.by_status.size(); ++status) {
    if (m.by_status[status] != 0) {
      page.value(m.by_status[status], format("status=\"{}\"", status));
    }
  }
  page.family("http_server_request_duration_seconds", "histogram",
              "First byte of the request to last byte of the answer.");
  page.histogram(m.duration);
  page.single("http_server_active_requests", "gauge", "Requests waiting or running now.",
              m.active_requests);
  page.single("forebay_connections", "gauge", "Open client connections.", m.connections);
  page.single("forebay_connections_accepted_total", "counter", "Connections accepted.",
              m.connections_accepted);
  page.single("forebay_connections_refused_total", "counter",
              "Connections refused at the connection limit.", m.connections_refused);
  page.single("forebay_connections_evicted_total", "counter",
              "Idle connections closed to make room for others.", m.connections_evicted);
  page.single("forebay_access_log_dropped_total", "counter",
              "Lines of the access log lost because nobody read them, or its disk was full.",
              m.access_log_dropped);
}

}  // namespace

void Metrics::count(const Record& record) {
  ++by_reason[static_cast<std::size_t>(record.reason)];
  if (record.status >= 0 && static_cast<std::size_t>(record.status) < by_status.size()) {
    ++by_status[static_cast<std::size_t>(record.status)];
  }
  if (record.priority) {
    const auto priority = static_cast<std::size_t>(*record.priority);
    ++by_priority[priority];
    refused_by_priority[priority] += is_refusal(record.reason) ? 1 : 0;
  }
  duration.observe(to_seconds(record.duration));
  if (!record.was_queued) {
    return;
  }
  const double wait = to_seconds(record.queue_time);
  longest_wait = std::max(longest_wait, record.queue_time);
  if (record.reason == Reason::kClientGoneQueued) {
    wait_gone.observe(wait);
  } else if (record.worker_pid == 0) {
    wait_shed.observe(wait);
  } else {
    wait_dispatched.observe(wait);
  }
}

std::string Metrics::prometheus(const queue::RequestQueue& queue, Duration oldest,
                                const WorkerCounts& workers) const {
  Page page;
  write_queue(page, *this, queue, oldest);
  write_workers(page, *this, workers);
  write_http(page, *this);
  return page.take();
}

}  // namespace forebay::front
