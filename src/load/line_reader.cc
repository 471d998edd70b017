#include "load/line_reader.h"

#include <algorithm>

#include "base/text.h"

namespace forebay::load {
namespace {

// One byte more than a line: its end.
constexpr SourceLimits kLimits{.record_bytes = LineReader::kLineBytesMax + 1};

std::string_view trimmed(std::string_view line) {
  constexpr std::string_view kSpace = " \t\r\v\f";
  const std::size_t start = std::min(line.find_first_not_of(kSpace), line.size());
  return line.substr(start, line.find_last_not_of(kSpace) + 1 - start);
}

}  // namespace

LineReader::LineReader(Fd file, std::string name, int stop)
    : LineReader(ByteSource(std::move(file), std::move(name), stop, kLimits)) {}

LineReader::LineReader(ByteSource source) : source_(std::move(source)) { source_.forget(); }

Result<LineReader> LineReader::open(const std::string& path, int stop) {
  Result<ByteSource> source = ByteSource::open(path, stop, kLimits);
  if (!source) {
    return std::unexpected(std::move(source.error()));
  }
  return LineReader(std::move(*source));
}

Result<bool> LineReader::next(std::string_view& line) {
  if (std::exchange(again_, false)) {
    line = last_;
    return true;
  }
  ++number_;
  const Result<bool> more = lines_.next(source_, line);
  const bool no_end = !more && source_.rest().size() >= kLimits.record_bytes;
  if (no_end || (more && *more && line.size() > kLineBytesMax)) {
    return fail(format("a line of more than {} MiB{}", kLineBytesMax >> 20, place()));
  }
  if (!more) {
    return fail(more.error().message + place());
  }
  last_ = line = *more ? trimmed(line) : "";
  return more;
}

std::string LineReader::place() const {
  return format(" (line {} of {})", number_, source_.name());
}

}  // namespace forebay::load
