#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <utility>

#include "base/base64.h"
#include "base/json.h"
#include "base/text.h"
#include "load/hit_decoder.h"
#include "load/json_text.h"
#include "load/lines.h"
#include "load/vegeta.h"
#include "load/wall_time.h"

/// One object per line: vegeta's keys in its order, then those that only we know. Readers of both
/// skip keys that they do not know.
namespace forebay::load {
namespace {

// --- the keys --------------------------------------------------------------------------------

enum class Meaning : std::uint8_t {
  kMember,
  kTimestamp,
  kBody,
  kCode,
  kStatus,
  kFailure,
  kHeaders
};

/// A key, and the member of Hit that it is, if it is one as it stands.
struct Key {
  std::string_view name;
  std::string Hit::* text = nullptr;
  std::uint64_t Hit::* count = nullptr;
  Duration Hit::* clock = nullptr;
  Meaning meaning = Meaning::kMember;
};
constexpr std::array kVegetaKeys{
    Key{.name = "attack", .text = &Hit::attack},
    Key{.name = "seq", .count = &Hit::sequence},
    Key{.name = "code", .meaning = Meaning::kCode},
    Key{.name = "timestamp", .meaning = Meaning::kTimestamp},
    Key{.name = "latency", .clock = &Hit::latency},
    Key{.name = "bytes_out", .count = &Hit::bytes_out},
    Key{.name = "bytes_in", .count = &Hit::bytes_in},
    Key{.name = "error", .text = &Hit::error},
    Key{.name = "body", .meaning = Meaning::kBody},
    Key{.name = "method", .text = &Hit::method},
    Key{.name = "url", .text = &Hit::url},
    Key{.name = "headers", .meaning = Meaning::kHeaders},
};
constexpr std::array kOurKeys{
    Key{.name = "late_ns", .clock = &Hit::late},
    Key{.name = "lag_ns", .clock = &Hit::lag},
    Key{.name = "dns_ns", .clock = &Hit::dns},
    Key{.name = "connect_ns", .clock = &Hit::connect},
    Key{.name = "tls_ns", .clock = &Hit::tls},
    Key{.name = "first_byte_ns", .clock = &Hit::first_byte},
    Key{.name = "server_queue_ns", .clock = &Hit::server_queue},
    Key{.name = "server_app_ns", .clock = &Hit::server_app},
    // Of an answer that broke: vegeta's code is 0 then.
    Key{.name = "status", .meaning = Meaning::kStatus},
    // A word; where it is missing, code and error say it.
    Key{.name = "failure", .meaning = Meaning::kFailure},
};

/// Null: a key that means nothing to us.
const Key* find_key(std::string_view name) {
  if (const auto* key = std::ranges::find(kVegetaKeys, name, &Key::name);
      key != kVegetaKeys.end()) {
    return key;
  }
  const auto* key = std::ranges::find(kOurKeys, name, &Key::name);
  return key != kOurKeys.end() ? key : nullptr;
}

// --- writing ---------------------------------------------------------------------------------

class Writer final : public HitWriter {
 public:
  void begin(const Run& /*run*/, std::string& /*out*/) override {}
  void end(const Run& /*run*/, std::string& /*out*/) override {}

  void write(const Hit& hit, std::string& out) override {
    char separator = '{';
    for (const Key& key : kVegetaKeys) {
      begin_value(separator, key, out);
      write_value(hit, key, out);
      separator = ',';
    }
    for (const Key& key : kOurKeys) {
      if (is_known(hit, key)) {
        begin_value(separator, key, out);
        write_value(hit, key, out);
      }
    }
    out += "}\n";
  }

 private:
  static void begin_value(char separator, const Key& key, std::string& out) {
    fmt::format_to(std::back_inserter(out), "{}\"{}\":", separator, key.name);
  }
  static bool is_known(const Hit& hit, const Key& key) {
    if (key.clock != nullptr) {
      return hit.*key.clock >= Duration{0};
    }
    if (key.meaning == Meaning::kStatus) {
      return vegeta_code(hit) != hit.code;
    }
    return hit.failure != Failure::kNone ||
           failure_of(vegeta_code(hit), hit.error) != Failure::kNone;
  }
  static void write_value(const Hit& hit, const Key& key, std::string& out) {
    switch (key.meaning) {
      case Meaning::kMember:
        return write_member(hit, key, out);
      case Meaning::kTimestamp:
        out.push_back('"');
        append_rfc3339(hit.intended_ns, out);
        out.push_back('"');
        return;
      case Meaning::kBody:
        return write_body(hit.body, out);
      case Meaning::kCode:
        return write_number(vegeta_code(hit), out);
      case Meaning::kStatus:
        return write_number(hit.code, out);
      case Meaning::kFailure:
        return append_json(word(hit.failure), out);
      case Meaning::kHeaders:
        return write_headers(hit.headers, out);
    }
  }
  static void write_member(const Hit& hit, const Key& key, std::string& out) {
    if (key.text != nullptr) {
      append_json(hit.*key.text, out);
    } else if (key.count != nullptr) {
      write_number(hit.*key.count, out);
    } else {
      write_number((hit.*key.clock).count(), out);
    }
  }
  template <typename Number>
  static void write_number(Number value, std::string& out) {
    fmt::format_to(std::back_inserter(out), "{}", value);
  }
  static void write_body(std::string_view body, std::string& out) {
    if (body.empty()) {
      out += "null";
      return;
    }
    out.push_back('"');
    append_base64(body, out);
    out.push_back('"');
  }
  static void write_headers(const HeaderFields& headers, std::string& out) {
    if (headers.empty()) {
      out += "null";
      return;
    }
    char separator = '{';
    for (const auto& [name, values] : group_headers(headers)) {
      out.push_back(separator);
      append_json(name, out);
      out.push_back(':');
      char before = '[';
      for (const std::string_view value : values) {
        out.push_back(before);
        append_json(value, out);
        before = ',';
      }
      out.push_back(']');
      separator = ',';
    }
    out.push_back('}');
  }
};

// --- reading ---------------------------------------------------------------------------------

/// Takes the events of one line's parser. What it does not know it passes over, however deep.
class LineHandler final : public nlohmann::json_sax<Json> {
 public:
  explicit LineHandler(Hit& hit) : hit_(hit) {}

  /// After the line: what its keys say together. An error if it is no hit.
  Result<void> finish() {
    if (error_.empty() && !(timestamp_seen_ && latency_seen_)) {
      error_ = "no result: it has no timestamp or no latency";
    }
    if (!error_.empty()) {
      return fail(error_);
    }
    hit_.failure = failure_.value_or(failure_of(hit_.code, hit_.error));
    hit_.code = status_.value_or(hit_.code);
    return {};
  }

  bool key(string_t& name) override {
    if (depth_ == 1) {
      key_ = find_key(name);
    } else if (depth_ == 2 && in_headers()) {
      header_ = std::move(name);
    }
    return true;
  }
  bool start_object(std::size_t /*elements*/) override {
    const bool right = passed_over() || key_->meaning == Meaning::kHeaders;
    ++depth_;
    return right || wrong_value();
  }
  bool start_array(std::size_t /*elements*/) override {
    const bool right = passed_over();
    ++depth_;
    return right || wrong_value();
  }
  bool end_object() override {
    --depth_;
    return true;
  }
  bool end_array() override { return end_object(); }

  bool null() override { return true; }
  bool boolean(bool /*value*/) override { return passed_over() || wrong_value(); }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override {
    return passed_over() || wrong_value();
  }
  bool binary(binary_t& /*value*/) override { return passed_over() || wrong_value(); }
  bool number_integer(number_integer_t value) override {
    if (passed_over()) {
      return true;
    }
    if (key_->clock == nullptr) {
      return wrong_value();
    }
    return set_clock(value);
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (passed_over()) {
      return true;
    }
    if (key_->count != nullptr) {
      hit_.*key_->count = value;
      return true;
    }
    if (key_->clock != nullptr && std::in_range<Duration::rep>(value)) {
      return set_clock(static_cast<Duration::rep>(value));
    }
    return set_code(value) || wrong_value();
  }
  bool string(string_t& value) override {
    if (depth_ == 3 && in_headers()) {
      hit_.headers.emplace_back(header_, std::move(value));
      return true;
    }
    return passed_over() || set_text(value) || wrong_value();
  }
  bool parse_error(std::size_t at, const std::string& /*token*/,
                   const Json::exception& /*error*/) override {
    error_ = format("no JSON from byte {} of the line on", at);
    return false;
  }

 private:
  [[nodiscard]] bool in_headers() const {
    return depth_ > 1 && key_ != nullptr && key_->meaning == Meaning::kHeaders;
  }
  /// What comes now is not the value of a key that we know.
  [[nodiscard]] bool passed_over() const { return depth_ != 1 || key_ == nullptr; }
  bool wrong_value() {
    error_ = format("the value of \"{}\" makes no sense", key_->name);
    return false;
  }
  bool set_clock(Duration::rep value) {
    hit_.*key_->clock = Duration{value};
    latency_seen_ |= key_->clock == &Hit::latency;
    return true;
  }
  bool set_code(std::uint64_t value) {
    if (value > std::numeric_limits<std::uint16_t>::max()) {
      return false;
    }
    if (key_->meaning == Meaning::kCode) {
      hit_.code = static_cast<int>(value);
    } else {
      status_ = static_cast<int>(value);
    }
    return key_->meaning == Meaning::kCode || key_->meaning == Meaning::kStatus;
  }
  bool set_text(std::string& value) {
    if (key_->text != nullptr) {
      hit_.*key_->text = std::move(value);
      return true;
    }
    if (key_->meaning == Meaning::kTimestamp) {
      const std::optional<std::int64_t> at_ns = parse_rfc3339(value);
      hit_.intended_ns = at_ns.value_or(0);
      timestamp_seen_ = at_ns.has_value();
      return timestamp_seen_;
    }
    if (key_->meaning == Meaning::kBody) {
      std::optional<std::string> body = decode_base64(value);
      hit_.body = std::move(body).value_or("");
      return body.has_value();
    }
    if (key_->meaning == Meaning::kFailure) {
      const auto* known = std::ranges::find(kFailureWords, value);
      if (known != kFailureWords.end()) {  // else of a later version: code and error must do
        failure_ = static_cast<Failure>(known - kFailureWords.begin());
      }
      return true;
    }
    return false;
  }

  Hit& hit_;
  std::size_t depth_ = 0;
  const Key* key_ = nullptr;  // of the value at depth 1; null: unknown to us
  std::string header_;        // the name whose values come
  bool timestamp_seen_ = false;
  bool latency_seen_ = false;
  std::optional<int> status_;
  std::optional<Failure> failure_;
  std::string error_;
};

class Decoder final : public HitDecoder {
 public:
  Result<bool> next(ByteSource& source, Hit& hit) override {
    std::string_view line;
    do {
      Result<bool> found = lines_.next(source, line);
      if (!found || !*found) {
        return found;
      }
    } while (line.find_first_not_of(" \t") == std::string_view::npos);

    hit = Hit{};
    LineHandler handler(hit);
    Json::sax_parse(line.begin(), line.end(), &handler);
    if (const Result<void> finished = handler.finish(); !finished) {
      return fail(format("line {}: {}", lines_.number(), finished.error().message));
    }
    return true;
  }

 private:
  Lines lines_;
};

}  // namespace

std::unique_ptr<HitDecoder> json_decoder() { return std::make_unique<Decoder>(); }
std::unique_ptr<HitWriter> json_writer() { return std::make_unique<Writer>(); }

}  // namespace forebay::load
