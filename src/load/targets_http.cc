// Targets as vegeta writes them: a request line, header lines, a body's file, a blank line.
//
//   POST http://localhost:8000/upload
//   Content-Type: text/plain
//   @body.txt

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "http/text.h"
#include "load/target_reader.h"

namespace forebay::load {
namespace {

bool is_method(std::string_view word) {
  return !word.empty() && std::ranges::all_of(word, [](char c) { return c >= 'A' && c <= 'Z'; });
}

/// A word in capitals and a space; "DNT : 1" is a header all the same.
bool is_request_line(std::string_view line) {
  const std::size_t space = line.find(' ');
  return space != std::string_view::npos && is_method(line.substr(0, space)) &&
         line[space + 1] != ':';
}

class HttpTargetReader : public TargetReader {
 public:
  using TargetReader::TargetReader;

 private:
  Result<bool> read(Target& target) override {
    std::string_view line;
    do {
      if (Result<bool> more = lines_.next(line); !more || !*more) {
        return more;
      }
    } while (line.empty() || line.starts_with('#'));

    if (Result<void> read = read_request_line(line, target); !read) {
      return std::unexpected(std::move(read.error()));
    }
    return read_rest(target);
  }

  static Result<void> read_request_line(std::string_view line, Target& target) {
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos) {
      return fail(format("bad target: {}", line));
    }
    const std::string_view method = line.substr(0, space);
    if (!is_method(method)) {
      return fail(format("bad method: {}", method));
    }
    target.method = method;
    target.url = http::trim(line.substr(space));
    return check_url(target.url);
  }

  /// Headers and body, until a blank line, the body, the next request line or the end.
  Result<bool> read_rest(Target& target) {
    for (std::string_view line;;) {
      const Result<bool> more = lines_.next(line);
      if (!more) {
        return more;
      }
      if (!*more || line.empty()) {
        return true;
      }
      if (is_request_line(line)) {
        lines_.again();
        return true;
      }
      if (line.starts_with('@')) {
        return read_body(std::string(line.substr(1)), target);
      }
      if (line.starts_with('#')) {
        continue;
      }
      auto header = parse_header(line);
      if (!header) {
        return std::unexpected(std::move(header.error()));
      }
      target.headers.push_back(std::move(*header));
    }
  }

  Result<bool> read_body(const std::string& path, Target& target) {
    Result<Body> body = body_files_.read(path);
    if (!body) {
      return std::unexpected(std::move(body.error()));
    }
    target.body = std::move(*body);
    return true;
  }

  BodyFiles body_files_;
};

}  // namespace

std::unique_ptr<TargetReader> make_http_reader(LineReader lines, HeaderFields headers, Body body) {
  return std::make_unique<HttpTargetReader>(std::move(lines), std::move(headers), std::move(body));
}

}  // namespace forebay::load
