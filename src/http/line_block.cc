#include "http/line_block.h"

#include <algorithm>

#include "http/text.h"

namespace forebay::http {

LineBlock::Event LineBlock::take_line(std::string_view& input, size_t limit) {
  if (!in_line()) line_start_ = text_.size();
  if (input.empty()) return Event::kNeedMore;
  if (!in_line() || text_.back() != '\r') {
    const auto end = std::ranges::find_if_not(input, is_text_byte);
    const size_t run = static_cast<size_t>(end - input.begin());
    if (text_.size() - line_start_ + run > limit) return Event::kTooLong;
    text_.append(input.substr(0, run));
    input.remove_prefix(run);
    if (input.empty()) return Event::kNeedMore;
    if (input.front() != '\r') return Event::kBad;
    text_.push_back('\r');
    input.remove_prefix(1);
    if (input.empty()) return Event::kNeedMore;
  }
  if (input.front() != '\n') return Event::kBad;
  text_.push_back('\n');
  input.remove_prefix(1);
  return Event::kLine;
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
