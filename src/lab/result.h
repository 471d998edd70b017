#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"

/// What came out of an experiment: plain data, the same in memory and as JSON. Each struct names
/// its fields once, in each_field().
namespace forebay::lab {

/// Times are seconds since the first hit of the load was due, unless they say otherwise.

/// One request of the load.
struct Answer {
  double at = 0;       // when it was due
  double latency = 0;  // seconds from then
  int status = 0;      // 0: no answer
  std::string error;   // a word of load/hit.h where there was no answer

  template <class Self, class Visit>
  static void each_field(Self& self, Visit visit) {
    visit("at", self.at);
    visit("latency", self.latency);
    visit("status", self.status);
    visit("error", self.error);
  }
};

/// A queue that was looked at now and then.
struct Queue {
  std::string name;         // "kernel: gunicorn", "forebay"
  std::uint64_t limit = 0;  // what fits; the kernel's: limit of listen() + 1
  std::vector<double> at;
  std::vector<std::uint64_t> waiting;  // as many

  [[nodiscard]] std::uint64_t longest() const;

  template <class Self, class Visit>
  static void each_field(Self& self, Visit visit) {
    visit("name", self.name);
    visit("limit", self.limit);
    visit("at", self.at);
    visit("waiting", self.waiting);
  }
};

/// Something that happened to a run: a worker was killed, a reload asked for.
struct Event {
  double at = 0;
  std::string what;

  template <class Self, class Visit>
  static void each_field(Self& self, Visit visit) {
    visit("at", self.at);
    visit("what", self.what);
  }
};

/// What the experiment was told to do.
struct Settings {
  unsigned workers = 8;
  double service = 2;   // seconds that the application takes for a request
  double rate = 200;    // requests per second
  double duration = 1;  // of the load, seconds
  unsigned somaxconn = 128;
  unsigned backlog = 1024;   // what gunicorn and nginx ask for
  double patience = 500;     // of the clients, seconds
  bool tcp = false;          // between nginx and gunicorn, instead of a unix socket
  double read_timeout = 60;  // nginx's proxy_read_timeout, seconds
  double max_wait = 60;      // Forebay's --max-wait, seconds

  [[nodiscard]] std::uint64_t requests() const;  // at least one

  template <class Self, class Visit>
  static void each_field(Self& self, Visit visit) {
    visit("workers", self.workers);
    visit("service", self.service);
    visit("rate", self.rate);
    visit("duration", self.duration);
    visit("somaxconn", self.somaxconn);
    visit("backlog", self.backlog);
    visit("patience", self.patience);
    visit("tcp", self.tcp);
    visit("read_timeout", self.read_timeout);
    visit("max_wait", self.max_wait);
  }
};

/// One load on one stack.
struct Run {
  std::string stack;     // "classic", "forebay", "haproxy", "gunicorn": a word of lab/stack.h
  std::string title;     // "nginx + gunicorn"
  std::string scenario;  // equal for runs that stand side by side: "200/s, somaxconn 128"
  Settings settings;

  std::uint64_t requests = 0;
  /// By status, or by a word of load/hit.h where there was no answer: "200", "502", "timeout".
  std::map<std::string, std::uint64_t> statuses;
  double p50 = 0;  // latency of all hits, seconds
  double p95 = 0;
  double p99 = 0;
  double longest = 0;
  double over = 0;               // when the last answer had come
  std::vector<double> started;   // when the application began with requests
  std::vector<double> finished;  // when it was done with them
  std::vector<Queue> queues;
  std::vector<Event> events;
  std::vector<Answer> answers;     // at most kAnswersMax of them, evenly chosen, in order of `at`
  std::vector<std::string> notes;  // what makes the figures worth less; log lines worth seeing
  bool late = false;               // the load itself was: this machine was too busy for it

  static constexpr std::size_t kAnswersMax = 5000;

  [[nodiscard]] std::uint64_t count(const std::string& status) const;
  [[nodiscard]] std::uint64_t ok() const { return count("200"); }

  template <class Self, class Visit>
  static void each_field(Self& self, Visit visit) {
    visit("stack", self.stack);
    visit("title", self.title);
    visit("scenario", self.scenario);
    visit("settings", self.settings);
    visit("requests", self.requests);
    visit("statuses", self.statuses);
    visit("p50", self.p50);
    visit("p95", self.p95);
    visit("p99", self.p99);
    visit("longest", self.longest);
    visit("over", self.over);
    visit("started", self.started);
    visit("finished", self.finished);
    visit("queues", self.queues);
    visit("events", self.events);
    visit("answers", self.answers);
    visit("notes", self.notes);
    visit("late", self.late);
  }
};

/// What was foretold of a run, and whether it came so.
struct Promise {
  std::string stack;
  std::string scenario;
  std::string text;     // "every request is answered with 200"
  std::string figures;  // "200 of 200"
  bool kept = false;
  bool unclear = false;  // not kept, but it was about time, and the machine had none to spare

  /// For a promise about time: what a late load shows proves nothing against it.
  void keep_in_time(bool in_time, const Run& run);

  template <class Self, class Visit>
  static void each_field(Self& self, Visit visit) {
    visit("stack", self.stack);
    visit("scenario", self.scenario);
    visit("text", self.text);
    visit("figures", self.figures);
    visit("kept", self.kept);
    visit("unclear", self.unclear);
  }
};

struct Experiment {
  std::string name;
  std::string title;
  bool quick = false;
  std::vector<Run> runs;              // those of one scenario one after the other
  std::vector<Promise> promises;      // those of Forebay decide the exit code
  std::vector<std::string> timeline;  // of `busy`: lines to read
  std::string verdict;                // one sentence
  std::vector<std::string> missing;   // peers, and how to get them

  /// Whether Forebay did what it promised.
  [[nodiscard]] bool kept() const;
  /// It did not, as far as that is clear.
  [[nodiscard]] bool broken() const;

  template <class Self, class Visit>
  static void each_field(Self& self, Visit visit) {
    visit("name", self.name);
    visit("title", self.title);
    visit("quick", self.quick);
    visit("runs", self.runs);
    visit("promises", self.promises);
    visit("timeline", self.timeline);
    visit("verdict", self.verdict);
    visit("missing", self.missing);
  }
};

/// A struct of this file.
template <class T>
concept Record = requires(T record) { T::each_field(record, [](const char*, auto&) {}); };

template <Record T>
void to_json(Json& json, const T& record) {
  json = Json::object();
  T::each_field(record, [&](const char* name, const auto& value) { json[name] = value; });
}

/// Only for what to_json() wrote: a field that is missing stays as it is, a wrong type throws.
template <Record T>
void from_json(const Json& json, T& record) {
  T::each_field(record, [&]<class Value>(const char* name, Value& value) {
    if (const auto found = json.find(name); found != json.end()) {
      value = found->template get<Value>();
    }
  });
}

}  // namespace forebay::lab
