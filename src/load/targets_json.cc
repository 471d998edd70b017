// Targets as vegeta's JSON, one object per line; `body` is base64:
//
//   {"method":"POST","url":"http://localhost:8000/","header":{"X-A":["b"]},"body":"aGk="}

#include <utility>

#include "base/base64.h"
#include "base/json.h"
#include "base/text.h"
#include "http/text.h"
#include "load/target_reader.h"

namespace forebay::load {
namespace {

/// The text at `key`; empty if there is none, nothing if it is no text.
std::optional<std::string> text_at(const Json& object, const char* key) {
  const auto value = object.find(key);
  if (value == object.end() || value->is_null()) {
    return "";
  }
  return value->is_string() ? std::optional(value->get<std::string>()) : std::nullopt;
}

Result<void> read_method_and_url(const Json& object, Target& target) {
  target.method = text_at(object, "method").value_or("");
  target.url = text_at(object, "url").value_or("");
  if (target.method.empty()) {
    return fail("target: required method is missing");
  }
  if (target.url.empty()) {
    return fail("target: required url is missing");
  }
  if (!http::is_token(target.method)) {
    return fail(format("bad method: {}", target.method));
  }
  return check_url(target.url);
}

Result<void> read_headers(const Json& object, Target& target) {
  const auto headers = object.find("header");
  if (headers == object.end() || headers->is_null()) {
    return {};
  }
  if (!headers->is_object()) {
    return fail("bad header: not an object of arrays");
  }
  for (const auto& [name, values] : headers->items()) {
    if (!values.is_array()) {
      return fail(format("bad header: {}: not an array of texts", name));
    }
    for (const Json& value : values) {
      if (!value.is_string()) {
        return fail(format("bad header: {}: not an array of texts", name));
      }
      auto text = value.get<std::string>();
      if (Result<void> checked = check_header(name, text); !checked) {
        return checked;
      }
      target.headers.emplace_back(name, std::move(text));
    }
  }
  return {};
}

Result<void> read_body(const Json& object, Target& target) {
  const std::optional<std::string> text = text_at(object, "body");
  std::optional<std::string> body = text ? decode_base64(*text) : std::nullopt;
  if (!body) {
    return fail("bad body: not base64");
  }
  if (!body->empty()) {
    target.body = std::make_shared<const std::string>(std::move(*body));
  }
  return {};
}

class JsonTargetReader : public TargetReader {
 public:
  using TargetReader::TargetReader;

 private:
  Result<bool> read(Target& target) override {
    std::string_view line;
    do {
      if (Result<bool> more = lines_.next(line); !more || !*more) {
        return more;
      }
    } while (line.empty());
    const Json object = Json::parse(line, nullptr, false);
    if (!object.is_object()) {
      return fail("bad target: not a JSON object in one line");
    }
    for (const auto& read_part : {read_method_and_url, read_headers, read_body}) {
      if (Result<void> done = read_part(object, target); !done) {
        return std::unexpected(std::move(done.error()));
      }
    }
    return true;
  }
};

}  // namespace

std::unique_ptr<TargetReader> make_json_reader(LineReader lines, HeaderFields headers, Body body) {
  return std::make_unique<JsonTargetReader>(std::move(lines), std::move(headers), std::move(body));
}

}  // namespace forebay::load
