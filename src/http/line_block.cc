#include "http/line_block.h"

#include <bit>
#include <cstring>

#include "http/text.h"

namespace forebay::http {
namespace {

static_assert(std::endian::native == std::endian::little);

// Marks the bytes below 0x20 or equal to 0x7f by their top bits. The lowest mark is exact, those
// above it may not be.
constexpr uint64_t mark_controls(uint64_t word) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  constexpr uint64_t kTopBits = 0x80 * kOnes;
  const uint64_t deletes = word ^ (0x7f * kOnes);
  const uint64_t below_space = (word - 0x20 * kOnes) & ~word;
  const uint64_t is_delete = (deletes - kOnes) & ~deletes;
  return (below_space | is_delete) & kTopBits;
}

// How many bytes at the start are text. Eight at a time: every byte of every head passes here.
size_t count_text(std::string_view bytes) {
  size_t i = 0;
  while (bytes.size() - i >= sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data() + i, sizeof(word));
    const uint64_t marks = mark_controls(word);
    if (marks == 0) {
      i += sizeof(word);
      continue;
    }
    i += static_cast<size_t>(std::countr_zero(marks)) / 8;
    if (!is_text_byte(bytes[i])) return i;
    ++i;  // a tab
  }
  while (i < bytes.size() && is_text_byte(bytes[i]))
    ++i;
  return i;
}

}  // namespace

LineBlock::Event LineBlock::take_line(std::string_view& input, size_t limit) {
  if (!in_line()) line_start_ = text_.size();
  if (input.empty()) return Event::kNeedMore;
  bool after_cr = in_line() && text_.back() == '\r';
  size_t taken = 0;
  if (!after_cr) {
    taken = count_text(input);
    if (text_.size() - line_start_ + taken > limit) return Event::kTooLong;
    after_cr = taken < input.size();
    if (after_cr) {
      if (input[taken] != '\r') return Event::kBad;
      ++taken;
    }
  }
  if (after_cr && taken < input.size()) {
    if (input[taken] != '\n') return Event::kBad;
    ++taken;
  }
  text_.append(input.substr(0, taken));
  input.remove_prefix(taken);
  return in_line() ? Event::kNeedMore : Event::kLine;
}

std::string_view LineBlock::line() const {
  return std::string_view(text_).substr(line_start_, text_.size() - line_start_ - 2);
}

void LineBlock::clear() {
  text_.clear();
  line_start_ = 0;
}

void LineBlock::shrink(size_t kept_bytes) {
  clear();
  if (text_.capacity() <= kept_bytes) return;
  std::string().swap(text_);
}

}  // namespace forebay::http
