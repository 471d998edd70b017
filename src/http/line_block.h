#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace forebay::http {

/// Collects lines as they arrive, in pieces of any size, and holds the line discipline: a line ends
/// in CRLF, there is no bare CR, no bare LF and no other control byte but tab (RFC 9112
/// section 2.2, taken strictly).
class LineBlock {
 public:
  enum class Event : uint8_t { kNeedMore, kLine, kTooLong, kBad };

  /// Takes from `input` what belongs to the current line, its CRLF included. `limit`: bytes without
  /// the CRLF. The event does not depend on how the bytes were cut into pieces.
  Event take_line(std::string_view& input, size_t limit);

  /// The line that has just ended, without CRLF; valid until the next call that is not const.
  std::string_view line() const;

  /// All lines so far, with their CRLFs.
  std::string_view text() const { return text_; }

  /// A line has begun and has not ended yet.
  bool in_line() const { return !text_.empty() && text_.back() != '\n'; }

  /// Bytes of the lines that have ended, with their CRLFs.
  size_t ended_bytes() const { return in_line() ? line_start_ : text_.size(); }

  void clear();

  /// Makes room for `bytes` in one allocation, if there is less.
  void reserve(size_t bytes) { text_.reserve(bytes); }

  /// clear(), and gives back memory beyond `kept_bytes`.
  void shrink(size_t kept_bytes);

 private:
  std::string text_;
  size_t line_start_ = 0;
};

}  // namespace forebay::http
