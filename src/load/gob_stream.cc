#include <sys/types.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <ctime>
#include <limits>
#include <utility>

#include "base/text.h"
#include "load/gob_wire.h"
#include "load/hit_decoder.h"
#include "load/vegeta.h"
#include "load/wall_time.h"

/// vegeta's own streams: values of its struct Result. Fields that are zero are not written.
namespace forebay::load {
namespace {

using namespace std::string_view_literals;

constexpr std::int64_t kSecondNs = 1'000'000'000;
constexpr std::int64_t kEpochFromYear1 = 62'135'596'800;  // seconds

// --- writing ---------------------------------------------------------------------------------

constexpr std::int64_t kResult = 64;
/// The definitions that precede the values: type 64 is Result, 65 time.Time, 67 http.Header,
/// 66 []string.
constexpr std::string_view kDefinitions =
    "\xff\x96"
    "\x7f\x03\x01\x01\x06Result\x01\xff\x80\x00\x01\x0c"
    "\x01\x06"
    "Attack\x01\x0c\x00"
    "\x01\x03Seq\x01\x06\x00"
    "\x01\x04"
    "Code\x01\x06\x00"
    "\x01\x09Timestamp\x01\xff\x82\x00"
    "\x01\x07Latency\x01\x04\x00"
    "\x01\x08"
    "BytesOut\x01\x06\x00"
    "\x01\x07"
    "BytesIn\x01\x06\x00"
    "\x01\x05"
    "Error\x01\x0c\x00"
    "\x01\x04"
    "Body\x01\x0a\x00"
    "\x01\x06Method\x01\x0c\x00"
    "\x01\x03URL\x01\x0c\x00"
    "\x01\x07Headers\x01\xff\x86\x00"
    "\x00\x00"
    "\x10\xff\x81\x05\x01\x01\x04Time\x01\xff\x82\x00\x00\x00"
    "\x17\xff\x85\x04\x01\x01\x06Header\x01\xff\x86\x00\x01\x0c\x01\xff\x84\x00\x00"
    "\x0c\xff\x83\x02\x01\x02\xff\x84\x00\x01\x0c\x00\x00"sv;

void put_big_endian(std::uint64_t value, int bytes, std::string& out) {
  for (int i = bytes - 1; i >= 0; --i) {
    out.push_back(static_cast<char>(value >> (8 * i)));
  }
}

/// As time.Time writes itself: version 1, seconds since year 1, nanoseconds, zone in minutes.
std::string go_time(std::int64_t at_ns) {
  const auto [seconds, fraction] = split_time(at_ns);
  std::tm local{};
  ::localtime_r(&seconds, &local);
  std::string bytes(1, '\x01');
  put_big_endian(static_cast<std::uint64_t>(seconds + kEpochFromYear1), 8, bytes);
  put_big_endian(static_cast<std::uint64_t>(fraction), 4, bytes);
  put_big_endian(static_cast<std::uint64_t>(local.tm_gmtoff / 60), 2, bytes);
  return bytes;
}

/// The fields of one struct: those that are zero leave a gap in the numbers.
class Fields {
 public:
  explicit Fields(std::string& out) : out_(out) {}

  void uint(std::uint64_t value) {
    if (begin(value == 0)) {
      put_gob_uint(value, out_);
    }
  }
  void sint(std::int64_t value) {
    if (begin(value == 0)) {
      put_gob_int(value, out_);
    }
  }
  void string(std::string_view text) {
    if (begin(text.empty())) {
      put_gob_string(text, out_);
    }
  }
  void headers(const HeaderFields& headers) {
    if (!begin(headers.empty())) {
      return;
    }
    const HeaderGroups groups = group_headers(headers);
    put_gob_uint(groups.size(), out_);
    for (const auto& [name, values] : groups) {
      put_gob_string(name, out_);
      put_gob_uint(values.size(), out_);
      for (const std::string_view value : values) {
        put_gob_string(value, out_);
      }
    }
  }
  void end() { out_.push_back('\0'); }

 private:
  /// Counts a field; false if it is not written.
  bool begin(bool zero) {
    ++step_;
    if (!zero) {
      put_gob_uint(std::exchange(step_, 0), out_);
    }
    return !zero;
  }

  std::string& out_;
  std::uint64_t step_ = 0;
};

class Writer final : public HitWriter {
 public:
  void begin(const Run& /*run*/, std::string& out) override { out += kDefinitions; }
  void end(const Run& /*run*/, std::string& /*out*/) override {}

  void write(const Hit& hit, std::string& out) override {
    std::string message;
    put_gob_int(kResult, message);
    Fields fields(message);
    fields.string(hit.attack);
    fields.uint(hit.sequence);
    fields.uint(static_cast<std::uint64_t>(vegeta_code(hit)));
    fields.string(go_time(hit.intended_ns));
    fields.sint(hit.latency.count());
    fields.uint(hit.bytes_out);
    fields.uint(hit.bytes_in);
    fields.string(hit.error);
    fields.string(hit.body);
    fields.string(hit.method);
    fields.string(hit.url);
    fields.headers(hit.headers);
    fields.end();
    put_gob_string(message, out);
  }
};

// --- reading ---------------------------------------------------------------------------------

/// A field of Result, and the member of Hit that it is; timestamp, code and headers are none.
struct Member {
  std::string_view name;
  std::int64_t type = 0;
  std::string Hit::* text = nullptr;
  std::uint64_t Hit::* count = nullptr;
};
constexpr std::array kMembers{
    Member{.name = "Attack", .type = kGobString, .text = &Hit::attack},
    Member{.name = "Seq", .type = kGobUint, .count = &Hit::sequence},
    Member{.name = "Code", .type = kGobUint},
    Member{.name = "Timestamp"},
    Member{.name = "Latency", .type = kGobInt},
    Member{.name = "BytesOut", .type = kGobUint, .count = &Hit::bytes_out},
    Member{.name = "BytesIn", .type = kGobUint, .count = &Hit::bytes_in},
    Member{.name = "Error", .type = kGobString, .text = &Hit::error},
    Member{.name = "Body", .type = kGobBytes, .text = &Hit::body},
    Member{.name = "Method", .type = kGobString, .text = &Hit::method},
    Member{.name = "URL", .type = kGobString, .text = &Hit::url},
    Member{.name = "Headers"},
};

std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) {
    value = value << 8 | static_cast<std::uint8_t>(byte);
  }
  return value;
}

/// The counterpart of go_time; version 2 has one more byte, of a zone in seconds.
std::int64_t take_time(GobCursor& cursor) {
  constexpr std::size_t kSize = 15;
  const std::string_view bytes = cursor.bytes();
  const bool known =
      (bytes.size() == kSize && bytes[0] == 1) || (bytes.size() == kSize + 1 && bytes[0] == 2);
  if (!known) {
    cursor.fail();
    return 0;
  }
  WallTime time{.nanoseconds = static_cast<std::int64_t>(big_endian(bytes.substr(9, 4)))};
  if (__builtin_sub_overflow(static_cast<std::int64_t>(big_endian(bytes.substr(1, 8))),
                             kEpochFromYear1, &time.seconds) ||
      time.nanoseconds >= kSecondNs || !join_time(time)) {
    cursor.fail();
    return 0;
  }
  return *join_time(time);
}

void take_headers(GobCursor& cursor, HeaderFields& headers) {
  const std::uint64_t names = cursor.uint();
  for (std::uint64_t i = 0; i < names && cursor.ok(); ++i) {
    const std::string_view name = cursor.bytes();
    const std::uint64_t values = cursor.uint();
    for (std::uint64_t j = 0; j < values && cursor.ok(); ++j) {
      headers.emplace_back(name, cursor.bytes());
    }
  }
}

class Decoder final : public HitDecoder {
 public:
  Result<bool> next(ByteSource& source, Hit& hit) override {
    while (true) {
      const Result<std::string_view> message = whole_message(source);
      if (!message) {
        return std::unexpected(message.error());
      }
      if (message->empty()) {
        return false;
      }
      const std::uint64_t offset = source.offset();
      source.take(message->size());
      GobCursor cursor(*message);
      cursor.uint();  // the size
      const std::int64_t id = cursor.sint();
      if (id < 0) {
        types_.define(id == std::numeric_limits<std::int64_t>::min() ? 0 : -id, cursor);
      } else {
        take_hit(id, cursor, hit);
      }
      if (!cursor.ok() || cursor.left() > 0) {
        return fail(format("the gob message at byte {} makes no sense", offset));
      }
      if (id >= 0) {
        return true;
      }
    }
  }

 private:
  /// With its size before it, not taken yet. Empty: there is none.
  static Result<std::string_view> whole_message(ByteSource& source) {
    constexpr std::size_t kSizeBytesMax = 9;
    while (true) {
      const std::string_view rest = source.rest();
      GobCursor start(rest.substr(0, kSizeBytesMax));
      const std::uint64_t size = start.uint();
      const std::size_t size_bytes = std::min(rest.size(), kSizeBytesMax) - start.left();
      if (start.ok() ? size > source.record_bytes_max() : rest.size() >= kSizeBytesMax) {
        return fail(format("the gob message at byte {} is longer than {} bytes", source.offset(),
                           source.record_bytes_max()));
      }
      if (start.ok() && rest.size() - size_bytes >= size) {
        return rest.substr(0, size_bytes + size);
      }
      const Result<bool> more = source.more();
      if (!more) {
        return std::unexpected(more.error());
      }
      if (!*more && source.ended() && !rest.empty()) {
        return fail(format("the gob message at byte {} is cut", source.offset()));
      }
      if (!*more) {
        return {};
      }
    }
  }

  void take_hit(std::int64_t id, GobCursor& cursor, Hit& hit) const {
    hit = Hit{};
    const GobType* type = types_.find(id);
    if (type == nullptr || !is_result(*type)) {
      return cursor.fail();
    }
    std::size_t field = GobCursor::kBeforeFirst;
    while (cursor.next_field(field, type->fields.size())) {
      take_field(type->fields[field], cursor, hit);
    }
    hit.failure = failure_of(hit.code, hit.error);
  }
  static bool is_result(const GobType& type) {
    return std::ranges::any_of(type.fields,
                               [](const auto& field) { return field.name == "Timestamp"; });
  }
  void take_field(const GobType::Field& field, GobCursor& cursor, Hit& hit) const {
    const auto* member = std::ranges::find(kMembers, field.name, &Member::name);
    if (member == kMembers.end()) {
      types_.skip(field.type, cursor);
    } else if (member->type == 0) {
      take_compound(field, cursor, hit);
    } else if (member->type != field.type) {
      cursor.fail();
    } else if (member->text != nullptr) {
      hit.*member->text = cursor.bytes();
    } else if (member->count != nullptr) {
      hit.*member->count = cursor.uint();
    } else if (member->type == kGobInt) {
      hit.latency = Duration{cursor.sint()};
    } else {
      take_code(cursor, hit);
    }
  }
  static void take_code(GobCursor& cursor, Hit& hit) {
    const std::uint64_t code = cursor.uint();
    if (code > std::numeric_limits<std::uint16_t>::max()) {
      return cursor.fail();
    }
    hit.code = static_cast<int>(code);
  }
  /// Timestamp or Headers, whose types the stream defines.
  void take_compound(const GobType::Field& field, GobCursor& cursor, Hit& hit) const {
    using Kind = GobType::Kind;
    const GobType* type = types_.find(field.type);
    const GobType* element = type != nullptr ? types_.find(type->element) : nullptr;
    if (type != nullptr && type->kind == Kind::kOpaque && field.name == "Timestamp") {
      hit.intended_ns = take_time(cursor);
    } else if (type != nullptr && type->kind == Kind::kMap && type->key == kGobString &&
               element != nullptr && element->kind == Kind::kSlice &&
               element->element == kGobString && field.name == "Headers") {
      take_headers(cursor, hit.headers);
    } else {
      cursor.fail();
    }
  }

  GobTypes types_;
};

}  // namespace

std::unique_ptr<HitDecoder> gob_decoder() { return std::make_unique<Decoder>(); }
std::unique_ptr<HitWriter> gob_writer() { return std::make_unique<Writer>(); }

}  // namespace forebay::load
