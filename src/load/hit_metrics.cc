#include "load/hit_metrics.h"

#include <iterator>
#include <string_view>
#include <utility>

#include "base/text.h"

namespace forebay::load {
namespace {

constexpr std::string_view kOther = "other";

/// As the value of a label.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') {
      out += '\\';
    }
    out += c;
  }
  return out;
}

std::string labels_of(std::string_view method, std::string_view url, int status) {
  return format("method=\"{}\",url=\"{}\",status=\"{}\"", escaped(method), escaped(url), status);
}

void add_family(std::string& text, std::string_view name, std::string_view type,
                std::string_view help) {
  text += format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

template <typename H>
void add_histogram(std::string& text, std::string_view labels, const H& histogram) {
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i <= histogram.bounds().size(); ++i) {
    cumulative += histogram.in_bucket(i);
    const std::string bound =
        i < histogram.bounds().size() ? format("{}", histogram.bounds()[i]) : "+Inf";
    text += format("request_seconds_bucket{{{},le=\"{}\"}} {}\n", labels, bound, cumulative);
  }
  text += format("request_seconds_sum{{{}}} {}\n", labels, histogram.sum());
  text += format("request_seconds_count{{{}}} {}\n", labels, histogram.count());
}

/// The entry of `key`; when there are too many, that of `other`.
template <typename Map>
typename Map::mapped_type& entry(Map& map, typename Map::key_type key,
                                 typename Map::key_type other) {
  const bool room = map.size() < HitMetrics::kSeriesMax || map.contains(key);
  return map[room ? std::move(key) : std::move(other)];
}

}  // namespace

void HitMetrics::add(const Hit& hit) {
  const std::lock_guard lock(mutex_);
  const std::string other(kOther);
  Series& series = entry(series_, {hit.method, hit.url, hit.code}, {hit.method, other, hit.code});
  series.seconds.observe(to_seconds(hit.latency));
  series.bytes_in += hit.bytes_in;
  series.bytes_out += hit.bytes_out;
  if (!hit.error.empty()) {
    ++entry(failed_, {hit.method, hit.url, hit.code, hit.error},
            {hit.method, other, hit.code, other});
  }
}

std::string HitMetrics::text() const {
  const std::lock_guard lock(mutex_);
  std::string text;
  add_family(text, "request_seconds", "histogram", "Latency of hits, from their intended time.");
  for (const auto& [key, series] : series_) {
    add_histogram(text, std::apply(labels_of, key), series.seconds);
  }
  add_family(text, "request_bytes_in", "counter", "Bytes of the answers' bodies.");
  for (const auto& [key, series] : series_) {
    text += format("request_bytes_in{{{}}} {}\n", std::apply(labels_of, key), series.bytes_in);
  }
  add_family(text, "request_bytes_out", "counter", "Bytes of the requests' bodies.");
  for (const auto& [key, series] : series_) {
    text += format("request_bytes_out{{{}}} {}\n", std::apply(labels_of, key), series.bytes_out);
  }
  add_family(text, "request_fail_count", "counter", "Hits that failed.");
  for (const auto& [key, count] : failed_) {
    const auto& [method, url, status, message] = key;
    text += format("request_fail_count{{{},message=\"{}\"}} {}\n", labels_of(method, url, status),
                   escaped(message), count);
  }
  return text;
}

}  // namespace forebay::load
