#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/fd.h"
#include "load/hit_decoder.h"

/// For the tests of all encodings, and the fuzz targets.
namespace forebay::load {

/// A file in memory with these bytes.
inline ByteSource source_of(std::string_view bytes, SourceLimits limits = {}) {
  Fd file(::memfd_create("results", MFD_CLOEXEC));
  CHECK(::pwrite(file.get(), bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  return {std::move(file), "results", -1, limits};
}

/// All that a reader finds, and what ended it.
struct Found {
  std::vector<Hit> hits;
  std::string error;  // empty: the end
  std::unique_ptr<HitReader> reader;
};
inline Found find_hits(ByteSource source) {
  Found found;
  Result<std::unique_ptr<HitReader>> reader = read_hits(std::move(source));
  if (!reader) {
    found.error = reader.error().message;
    return found;
  }
  found.reader = std::move(*reader);
  Hit hit;
  Result<bool> next = found.reader->next(hit);
  for (; next && *next; next = found.reader->next(hit)) {
    found.hits.push_back(hit);
  }
  found.error = next ? "" : next.error().message;
  return found;
}
inline Found find_hits(std::string_view bytes) { return find_hits(source_of(bytes)); }

inline std::string written(Encoding encoding, const std::vector<Hit>& hits, const Run& run = {}) {
  std::string out;
  const std::unique_ptr<HitWriter> writer = HitWriter::make(encoding);
  writer->begin(run, out);
  for (const Hit& hit : hits) {
    writer->write(hit, out);
  }
  writer->end(run, out);
  return out;
}

/// A hit with something in every field.
inline Hit full_hit() {
  Hit hit;
  hit.attack = "burst";
  hit.sequence = 7;
  hit.code = 503;
  hit.intended_ns = 1'767'225'600'250'000'000;  // 2026-01-01T00:00:00.25Z
  hit.latency = Duration{21'035'000};
  hit.late = Duration{1'000};
  hit.lag = Duration{2'000};
  hit.dns = Duration{300};
  hit.connect = Duration{400};
  hit.tls = Duration{500};
  hit.first_byte = Duration{20'000'000};
  hit.server_queue = Duration{6'000'000};
  hit.server_app = Duration{0};
  hit.bytes_out = 3;
  hit.bytes_in = 12;
  hit.failure = Failure::kStatus;
  hit.error = "503 Service Unavailable";
  hit.body = "try again <&>";
  hit.method = "POST";
  hit.url = "http://localhost:6789/?a=1&b=<2>";
  hit.headers = {{"Content-Type", "text/plain"}, {"Set-Cookie", "a=1"}, {"Set-Cookie", "b=\"2\""}};
  return hit;
}

/// The same without what vegeta does not know.
inline Hit vegeta_hit() {
  Hit hit = full_hit();
  for (Duration* clock : {&hit.late, &hit.lag, &hit.dns, &hit.connect, &hit.tls, &hit.first_byte,
                          &hit.server_queue, &hit.server_app}) {
    *clock = kUnknown;
  }
  return hit;
}

/// What a failed test shows.
inline void PrintTo(const Hit& hit, std::ostream* out) {  // NOLINT(readability-identifier-naming)
  *out << written(Encoding::kJson, {hit}).substr(0, 2000);
}

}  // namespace forebay::load
