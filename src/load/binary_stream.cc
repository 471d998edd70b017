#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "base/text.h"
#include "load/hit_decoder.h"

/// Our own streams:
///
///   stream  = magic version record*
///   record  = size payload            `size` bytes of payload
///   payload = 'R' run | 'H' hit | 'E' end of the run
///
/// Numbers are varints: seven bits a byte, the lowest first, bit 7 says that more follow; those
/// that can be negative are folded (0, -1, 1, -2 are 0, 1, 2, 3). Texts are a size and so many
/// bytes. A stream that was cut has no 'E'; one of hits that another tool made has no 'R' either.
namespace forebay::load {
namespace {

constexpr std::string_view kMagic =
    "\x89"
    "forebay\r\n";
static_assert(kMagic[0] == kBinaryFirst);
constexpr char kVersion = 1;
constexpr std::size_t kHeadBytes = kMagic.size() + 1;
constexpr std::size_t kSizeBytesMax = 10;  // of a varint of 64 bits

constexpr char kRun = 'R';
constexpr char kHit = 'H';
constexpr char kEnd = 'E';

/// The clocks of a hit that may be unknown; which ones follow is said by one byte, bit 0 for the
/// first.
constexpr std::array kClocks{&Hit::late, &Hit::lag,        &Hit::dns,          &Hit::connect,
                             &Hit::tls,  &Hit::first_byte, &Hit::server_queue, &Hit::server_app};
static_assert(kClocks.size() <= 8);

// --- writing ---------------------------------------------------------------------------------

void put(std::uint64_t value, std::string& out) {
  for (; value >= 0x80; value >>= 7) {
    out.push_back(static_cast<char>(value | 0x80));
  }
  out.push_back(static_cast<char>(value));
}
void put_signed(std::int64_t value, std::string& out) {
  put(static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63), out);
}
void put_text(std::string_view text, std::string& out) {
  put(text.size(), out);
  out += text;
}

/// What `write` appends becomes a record.
template <typename Write>
void put_record(char type, std::string& out, Write&& write) {
  const std::size_t start = out.size();
  out.push_back(type);
  write();
  std::string size;
  put(out.size() - start, size);
  out.insert(start, size);
}

void put_hit(const Hit& hit, std::string& out) {
  put(hit.sequence, out);
  put_signed(hit.code, out);
  put_signed(hit.intended_ns, out);
  put_signed(hit.latency.count(), out);
  std::uint8_t known = 0;
  for (std::size_t i = 0; i < kClocks.size(); ++i) {
    known |= static_cast<std::uint8_t>((hit.*kClocks[i] >= Duration{0} ? 1U : 0U) << i);
  }
  out.push_back(static_cast<char>(known));
  for (const auto clock : kClocks) {
    if (hit.*clock >= Duration{0}) {
      put(static_cast<std::uint64_t>((hit.*clock).count()), out);
    }
  }
  put(hit.bytes_out, out);
  put(hit.bytes_in, out);
  out.push_back(static_cast<char>(hit.failure));
  for (const std::string* text : {&hit.attack, &hit.method, &hit.url, &hit.error, &hit.body}) {
    put_text(*text, out);
  }
  put(hit.headers.size(), out);
  for (const auto& [name, value] : hit.headers) {
    put_text(name, out);
    put_text(value, out);
  }
}

class Writer final : public HitWriter {
 public:
  void begin(const Run& run, std::string& out) override {
    out += kMagic;
    out.push_back(kVersion);
    if (run == Run{}) {
      return;
    }
    put_record(kRun, out, [&] {
      put_text(run.name, out);
      put_text(run.schedule, out);
      put(run.schedule_hash, out);
      put(run.hits ? 1 : 0, out);
      put(run.hits.value_or(0), out);
      put(run.shard, out);
      put(run.shards, out);
      put_signed(run.start_ns, out);
      put(run.closed_loop ? std::max<std::uint64_t>(run.concurrency, 1) : 0, out);
    });
  }
  void write(const Hit& hit, std::string& out) override {
    put_record(kHit, out, [&] { put_hit(hit, out); });
  }
  void end(const Run& run, std::string& out) override {
    if (!run.ended) {
      return;
    }
    put_record(kEnd, out, [&] {
      put(run.interrupted ? 1 : 0, out);
      put(run.released, out);
      put_signed(run.elapsed.count(), out);
      put_signed(run.cpu.count(), out);
      put(run.connections, out);
      put(run.invalid.size(), out);
      for (const std::string& reason : run.invalid) {
        put_text(reason, out);
      }
    });
  }
};

// --- reading ---------------------------------------------------------------------------------

/// Takes numbers and texts off the front of a payload; once it was too short, all is 0.
class Payload {
 public:
  explicit Payload(std::string_view bytes) : rest_(bytes) {}

  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<std::uint8_t>(this->byte());
      if (shift == 63 && byte > 1) {
        ok_ = false;
      }
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) {
        return value;
      }
    }
    ok_ = false;
    return 0;
  }
  std::int64_t signed_number() {
    const std::uint64_t folded = number();
    return static_cast<std::int64_t>(folded >> 1 ^ (0 - (folded & 1)));
  }
  /// Of as many bits as in the other encodings.
  int status() {
    const std::int64_t value = signed_number();
    ok_ = ok_ && std::in_range<std::uint16_t>(value);
    return ok_ ? static_cast<int>(value) : 0;
  }
  Duration duration() { return Duration{signed_number()}; }
  bool flag() { return number_up_to(1) == 1; }
  std::uint64_t number_up_to(std::uint64_t max) {
    const std::uint64_t value = number();
    ok_ = ok_ && value <= max;
    return ok_ ? value : 0;
  }
  char byte() {
    const std::string_view byte = bytes(1);
    return byte.empty() ? '\0' : byte[0];
  }
  std::string text() { return std::string(bytes(number())); }

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool whole() const { return ok_ && rest_.empty(); }
  [[nodiscard]] std::size_t left() const { return rest_.size(); }

 private:
  std::string_view bytes(std::uint64_t size) {
    if (!ok_ || size > rest_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string_view rest_;
  bool ok_ = true;
};

void take_hit(Payload& payload, Hit& hit) {
  hit = Hit{};
  hit.sequence = payload.number();
  hit.code = payload.status();
  hit.intended_ns = payload.signed_number();
  hit.latency = payload.duration();
  const auto known = static_cast<std::uint8_t>(payload.byte());
  for (std::size_t i = 0; i < kClocks.size(); ++i) {
    if ((known >> i & 1) != 0) {
      hit.*kClocks[i] = Duration{payload.number_up_to(std::numeric_limits<std::int64_t>::max())};
    }
  }
  hit.bytes_out = payload.number();
  hit.bytes_in = payload.number();
  hit.failure = static_cast<Failure>(payload.number_up_to(kFailureWords.size() - 1));
  for (std::string* text : {&hit.attack, &hit.method, &hit.url, &hit.error, &hit.body}) {
    *text = payload.text();
  }
  const std::uint64_t headers = payload.number();
  for (std::uint64_t i = 0; i < headers && payload.ok(); ++i) {
    std::string name = payload.text();
    hit.headers.emplace_back(std::move(name), payload.text());
  }
}

Run take_run(Payload& payload) {
  Run run;
  run.name = payload.text();
  run.schedule = payload.text();
  run.schedule_hash = payload.number();
  const bool bounded = payload.flag();
  const std::uint64_t hits = payload.number();
  if (bounded) {
    run.hits = hits;
  }
  run.shard = payload.number();
  run.shards = payload.number();
  run.start_ns = payload.signed_number();
  run.concurrency = payload.number();
  run.closed_loop = run.concurrency > 0;
  return run;
}

void take_end(Payload& payload, Run& run) {
  run.ended = true;
  run.interrupted = payload.flag();
  run.released = payload.number();
  run.elapsed = payload.duration();
  run.cpu = payload.duration();
  run.connections = payload.number();
  const std::uint64_t reasons = payload.number();
  for (std::uint64_t i = 0; i < reasons && payload.ok(); ++i) {
    run.invalid.push_back(payload.text());
  }
}

class Decoder final : public HitDecoder {
 public:
  Result<bool> next(ByteSource& source, Hit& hit) override {
    if (!head_taken_) {
      Result<bool> head = take_head(source);
      if (!head || !*head) {
        return head;
      }
      head_taken_ = true;
    }
    while (true) {
      const Result<std::string_view> record = whole_record(source);
      if (!record) {
        return std::unexpected(record.error());
      }
      if (record->empty()) {
        return false;
      }
      const std::uint64_t offset = source.offset();
      source.take(record->size());
      const std::optional<char> type = take(*record, hit);
      if (!type) {
        return fail(format("the record at byte {} is corrupt", offset));
      }
      if (*type == kHit) {
        return true;
      }
    }
  }
  [[nodiscard]] const Run* run() const override { return run_ ? &*run_ : nullptr; }

 private:
  static Result<bool> take_head(ByteSource& source) {
    while (source.rest().size() < kHeadBytes) {
      Result<bool> more = source.more();
      if (!more || !*more) {
        return more;
      }
    }
    if (!source.rest().starts_with(kMagic)) {
      return fail("this is no stream of results");
    }
    const char version = source.rest()[kMagic.size()];
    if (version != kVersion) {
      return fail(
          format("a stream of format {}; this program reads format {}, another version of "
                 "it wrote it",
                 int{version}, int{kVersion}));
    }
    source.take(kHeadBytes);
    return true;
  }
  /// With its size before it, not taken yet. Empty: there is none.
  static Result<std::string_view> whole_record(ByteSource& source) {
    while (true) {
      const std::string_view rest = source.rest();
      Payload start(rest.substr(0, kSizeBytesMax));
      const std::uint64_t size = start.number();
      const std::size_t size_bytes = std::min(rest.size(), kSizeBytesMax) - start.left();
      if (start.ok() ? size > source.record_bytes_max() : rest.size() >= kSizeBytesMax) {
        return fail(format("the record at byte {} is corrupt, or longer than {} bytes",
                           source.offset(), source.record_bytes_max()));
      }
      if (start.ok() && rest.size() - size_bytes >= size) {
        return rest.substr(0, size_bytes + size);
      }
      const Result<bool> more = source.more();
      if (!more) {
        return std::unexpected(more.error());
      }
      if (!*more) {
        return {};
      }
    }
  }
  /// The type of the record; nothing if it is corrupt.
  std::optional<char> take(std::string_view record, Hit& hit) {
    Payload payload(record);
    payload.number();  // the size
    const char type = payload.byte();
    if (type == kHit) {
      take_hit(payload, hit);
    } else if (type == kRun && !run_) {
      run_ = take_run(payload);
    } else if (type == kEnd && run_ && !run_->ended) {
      take_end(payload, *run_);
    } else {
      return std::nullopt;
    }
    return payload.whole() ? std::optional(type) : std::nullopt;
  }

  bool head_taken_ = false;
  std::optional<Run> run_;
};

}  // namespace

std::unique_ptr<HitDecoder> binary_decoder() { return std::make_unique<Decoder>(); }
std::unique_ptr<HitWriter> binary_writer() { return std::make_unique<Writer>(); }

}  // namespace forebay::load
