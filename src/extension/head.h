#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "channel/layout.h"
#include "extension/py.h"

namespace forebay::extension {

/// The head of a response, from the arguments of start_response() to the bytes of a record. Nothing
/// an application passes can end up as another field or another message (RFC 9110 section 5.5).
class Head {
 public:
  /// A head that is longer does not fit into a record.
  static constexpr std::size_t kBytesMax = channel::kRecordMax - sizeof(std::uint32_t);

  Head() { bytes_.reserve(1024); }

  /// Replaces everything by what start_response() was given.
  [[nodiscard]] bool set(PyObject* status, PyObject* fields);
  /// Replaces everything by a plain head of our own.
  void set(std::uint16_t status, std::string_view reason, std::string_view content_type);
  /// Adds Content-Length; keeps it out where it must not be (RFC 9110 section 8.6).
  void set_content_length(std::uint64_t bytes);

  [[nodiscard]] std::uint16_t status() const { return status_; }
  [[nodiscard]] std::optional<std::uint64_t> content_length() const { return content_length_; }
  /// A response with this status never has a body (RFC 9110 section 6.4.1).
  [[nodiscard]] bool is_bodiless() const { return status_ == 204 || status_ == 304; }
  /// Connection-level fields that set() has left out, for a warning; empty most of the time.
  [[nodiscard]] const std::string& dropped() const { return dropped_; }
  /// ResponseHeader, reason, fields.
  [[nodiscard]] std::span<const std::byte> bytes();

 private:
  void clear();
  [[nodiscard]] bool set_status(PyObject* status);
  [[nodiscard]] bool add_field(PyObject* pair);
  [[nodiscard]] bool take_content_length(std::string_view value);
  void put(std::string_view text);
  void put_field(std::string_view name, std::string_view value);

  std::string bytes_;
  std::string dropped_;
  std::optional<std::uint64_t> content_length_;
  std::uint16_t status_ = 0;
  std::uint16_t fields_ = 0;
};

}  // namespace forebay::extension
