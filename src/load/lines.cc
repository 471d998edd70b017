#include "load/lines.h"

namespace forebay::load {

Result<bool> Lines::next(ByteSource& source, std::string_view& line) {
  std::size_t end = source.rest().find('\n', searched_);
  while (end == std::string_view::npos) {
    searched_ = source.rest().size();
    const Result<bool> more = source.more();
    if (!more) {
      return more;
    }
    if (!*more && (!source.ended() || source.rest().empty())) {
      return false;
    }
    end = *more ? source.rest().find('\n', searched_) : source.rest().size();
  }
  line = source.rest().substr(0, end);
  if (line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  source.take(end < source.rest().size() ? end + 1 : end);
  searched_ = 0;
  ++number_;
  return true;
}

}  // namespace forebay::load
