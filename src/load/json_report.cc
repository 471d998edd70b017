#include <string>

#include "base/json.h"
#include "base/text.h"
#include "load/go_format.h"
#include "load/json_text.h"
#include "load/report.h"
#include "load/wall_time.h"

namespace forebay::load {
namespace {

constexpr int kSchemaVersion = 1;
constexpr const char* kNoTime = "0001-01-01T00:00:00Z";

std::string rfc3339(std::int64_t at_ns) {
  std::string text;
  append_rfc3339(at_ns, text);
  return text;
}

std::string object(std::initializer_list<std::pair<std::string_view, std::string>> members) {
  std::string text;
  for (const auto& [key, value] : members) {
    text += format("{}\"{}\":{}", text.empty() ? "" : ",", key, value);
  }
  return "{" + text + "}";
}

std::string ns(Duration value) { return format("{}", value.count()); }

std::string latencies(const Figures& f) {
  const Distribution& latency = f.latency;
  return object({{"total", ns(latency.total())},
                 {"mean", ns(latency.mean())},
                 {"50th", ns(latency.quantile(0.5))},
                 {"90th", ns(latency.quantile(0.9))},
                 {"95th", ns(latency.quantile(0.95))},
                 {"99th", ns(latency.quantile(0.99))},
                 {"max", ns(latency.max())},
                 {"min", ns(f.latency_min)}});
}

std::string buckets(const BucketCounts& counts) {
  std::string text;
  for (std::size_t i = 0; i < counts.bounds().size(); ++i) {
    text += format("{}\"{}\":{}", text.empty() ? "" : ",", counts.bounds()[i].count(),
                   counts.counts()[i]);
  }
  return "{" + text + "}";
}

std::string bytes(std::uint64_t total, double mean) {
  return object({{"total", format("{}", total)}, {"mean", go_float(mean)}});
}

std::string status_codes(const Figures& f) {
  std::string text;
  for (const auto& [code, group] : f.statuses) {
    text += format("{}\"{}\":{}", text.empty() ? "" : ",", code, group.latency.count());
  }
  return "{" + text + "}";
}

std::string errors(const Figures& f) {
  std::string text;
  for (const std::string& error : f.error_texts) {
    text.append(text.empty() ? "" : ",");
    append_json(error, text);
  }
  return "[" + text + "]";
}

/// `{"latencies":...,"errors":[...]}` without the end.
std::string vegetas_keys(const Report& report) {
  const Figures& f = report.figures;
  const auto time = [&](std::int64_t at) {
    return format("\"{}\"", f.requests == 0 ? kNoTime : rfc3339(at));
  };
  std::string text = "{\"latencies\":" + latencies(f);
  if (report.buckets != nullptr) {
    text += ",\"buckets\":" + buckets(*report.buckets);
  }
  const std::string rest = object({{"bytes_in", bytes(f.bytes_in, f.bytes_in_mean())},
                                   {"bytes_out", bytes(f.bytes_out, f.bytes_out_mean())},
                                   {"earliest", time(f.earliest_ns)},
                                   {"latest", time(f.latest_ns)},
                                   {"end", time(f.end_ns)},
                                   {"duration", ns(f.duration())},
                                   {"wait", ns(f.wait())},
                                   {"requests", format("{}", f.requests)},
                                   {"rate", go_float(f.rate())},
                                   {"throughput", go_float(f.throughput())},
                                   {"success", go_float(f.success())},
                                   {"status_codes", status_codes(f)},
                                   {"errors", errors(f)}});
  return text + "," + rest.substr(1, rest.size() - 2);
}

Json spread(const Distribution& values) {
  Json json;
  json["count"] = values.count();
  json["mean_ns"] = values.mean().count();
  json["min_ns"] = values.min().count();
  for (std::size_t i = 0; i < kQuantiles.size(); ++i) {
    json[format("{}_ns", kQuantileWords[i])] = values.quantile(kQuantiles[i]).count();
  }
  json["max_ns"] = values.max().count();
  return json;
}

Json groups(const Groups& all) {
  Json json = Json::object();
  for (const auto& [name, group] : all) {
    json[name] = spread(group.latency);
    json[name]["successes"] = group.successes;
  }
  return json;
}

Json end_of(const std::optional<Duration>& value) {
  return value ? Json(value->count()) : Json(nullptr);
}

Json intervals_json(const Figures& figures) {
  Json json = Json::object();
  const auto all = intervals(figures);
  for (std::size_t i = 0; i < all.size(); ++i) {
    json[format("{}_ns", kQuantileWords[i])] = {end_of(all[i].low), end_of(all[i].high)};
  }
  return json;
}

Json error_classes(const Figures& figures) {
  Json json = Json::object();
  for (std::size_t i = 0; i < figures.failures.size(); ++i) {
    const Failed& failed = figures.failures[i];
    if (failed.count > 0) {
      Json& entry = json[std::string(kFailureWords[i])];
      entry["count"] = failed.count;
      entry["first"] = rfc3339(failed.first_ns);
      entry["last"] = rfc3339(failed.last_ns);
      entry["example"] = failed.example;
    }
  }
  return json;
}

Json runs_json(const std::vector<Run>& runs) {
  Json json = Json::array();
  for (const Run& run : runs) {
    Json entry;
    entry["name"] = run.name;
    entry["schedule"] = run.schedule;
    entry["schedule_hash"] = format("{:016x}", run.schedule_hash);
    entry["shard"] = run.shard;
    entry["shards"] = run.shards;
    entry["closed_loop"] = run.closed_loop;
    if (run.closed_loop) {
      entry["concurrency"] = run.concurrency;
    }
    entry["hits"] = run.hits ? Json(*run.hits) : Json(nullptr);
    entry["released"] = run.released;
    entry["interrupted"] = run.interrupted;
    entry["elapsed_ns"] = run.elapsed.count();
    entry["cpu_ns"] = run.cpu.count();
    entry["connections"] = run.connections;
    json.push_back(std::move(entry));
  }
  return json;
}

Json our_keys(const Report& report) {
  const Figures& f = report.figures;
  Json json;
  json["schema_version"] = kSchemaVersion;
  json["validity"] = {
      {"verdict", !report.validity.valid() ? "invalid"
                  : report.validity.known  ? "valid"
                                           : "unknown"},
      {"reasons", report.validity.reasons},
      {"notes", report.validity.notes},
  };
  json["quantiles_exact"] = f.latency.exact();
  json["p99.9_ns"] = f.latency.quantile(0.999).count();
  json["intervals"] = intervals_json(f);
  json["censored"] = f.censored();
  json["error_classes"] = error_classes(f);
  json["phases"] = Json::object();
  for (std::size_t i = 0; i < f.phases.size(); ++i) {
    if (f.phases[i].count() > 0) {
      json["phases"][std::string(kPhaseWords[i])] = spread(f.phases[i]);
    }
  }
  json["statuses"] = groups(f.statuses);
  json["targets"] = groups(f.targets);
  json["runs"] = runs_json(report.runs);
  return json;
}

}  // namespace

std::string json_report(const Report& report) {
  return vegetas_keys(report) + "," + dump(our_keys(report)).substr(1) + "\n";
}

}  // namespace forebay::load
