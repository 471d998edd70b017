#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

/// The bytes inside requests and responses. Strings are {u32 length}{bytes}; integers are in the
/// machine's order, as both ends live on one machine.
namespace forebay::channel {

enum RequestFlags : std::uint16_t {
  kHttp11 = 1,        // else HTTP/1.0
  kNoBodyWanted = 2,  // HEAD: the response has no body
  kHttps = 4          // a proxy says so; else as the listener is
};

/// A request's head: this, then the strings method, target (as received), script name (decoded),
/// the path below it (with the query), remote address, and `fields` pairs of name and value.
struct RequestHeader {
  std::uint16_t listener = 0;  // which listener it came by: an index into the workers' templates
  std::uint16_t flags = 0;
  std::uint16_t fields = 0;
  std::uint16_t remote_port = 0;
  std::int64_t queued_at_ns = 0;  // CLOCK_MONOTONIC
  std::int64_t body_bytes = 0;    // decoded
};

/// A response's head: this, then the string reason and `fields` pairs of name and value.
struct ResponseHeader {
  std::uint16_t status = 0;
  std::uint16_t fields = 0;
};

/// Appends to a buffer that is large enough (the caller has added up the sizes).
class StringWriter {
 public:
  explicit StringWriter(std::span<std::byte> out) : out_(out) {}

  template <typename T>
    requires std::is_trivially_copyable_v<T>
  void put(const T& value) {
    append(&value, sizeof(value));
  }
  void string(std::string_view text) {
    put(static_cast<std::uint32_t>(text.size()));
    append(text.data(), text.size());
  }
  [[nodiscard]] std::span<std::byte> rest() const { return out_; }

  [[nodiscard]] static std::size_t size_of(std::string_view text) { return 4 + text.size(); }

 private:
  void append(const void* data, std::size_t bytes) {
    if (bytes != 0) {
      std::memcpy(out_.data(), data, bytes);
    }
    out_ = out_.subspan(bytes);
  }
  std::span<std::byte> out_;
};

/// Reads what a StringWriter wrote. Bytes from the other process are not trusted: past the end
/// everything reads as empty and ok() is false.
class StringReader {
 public:
  explicit StringReader(std::span<const std::byte> in) : in_(in) {}

  template <typename T>
    requires std::is_trivially_copyable_v<T>
  [[nodiscard]] T get() {
    T value{};
    if (in_.size() < sizeof(T)) {
      ok_ = false;
      in_ = {};
      return value;
    }
    std::memcpy(&value, in_.data(), sizeof(T));
    in_ = in_.subspan(sizeof(T));
    return value;
  }
  [[nodiscard]] std::string_view string() {
    const auto bytes = get<std::uint32_t>();
    if (bytes > in_.size()) {
      ok_ = false;
      in_ = {};
      return {};
    }
    const std::string_view text(reinterpret_cast<const char*>(in_.data()), bytes);
    in_ = in_.subspan(bytes);
    return text;
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::span<const std::byte> rest() const { return in_; }

 private:
  std::span<const std::byte> in_;
  bool ok_ = true;
};

}  // namespace forebay::channel
