#include "front/input.h"

#include "net/proxy_header.h"

namespace forebay::front {
namespace {

constexpr std::size_t kSmall = 1024;  // an idle connection costs this
constexpr std::size_t kBulk = 64 * 1024;
static_assert(kSmall >= net::kProxyHeaderMax, "it has to be there as a whole");

}  // namespace

void Input::make_room(std::size_t capacity) {
  if (begin_ != end_) {
    return;
  }
  begin_ = end_ = 0;
  if (capacity_ != capacity) {
    buffer_ = std::make_unique_for_overwrite<char[]>(capacity);
    capacity_ = capacity;
  }
}

void Input::arm(bool bulk) {
  if (armed_ || gone_) {
    return;
  }
  make_room(bulk ? kBulk : kSmall);
  armed_ = end_ != capacity_;
  stream_.want_read();
}

void Input::readable() {
  if (armed_) {
    const std::size_t bytes = stream_.read({buffer_.get() + end_, capacity_ - end_});
    end_ += bytes;
    gone_ = stream_.at_end();
    armed_ = bytes == 0 && !gone_;
  } else {
    // Who asks ahead of the answers and then leaves is gone, although there is more to read.
    gone_ = gone_ || (!data().empty() && end_ == capacity_ && stream_.peer_closed());
  }
  if (!armed_) {
    changed_.set();
  }
}

}  // namespace forebay::front
