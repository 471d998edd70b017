#include "front/input.h"

#include <boost/asio/buffer.hpp>

namespace forebay::front {
namespace {

constexpr std::size_t kSmall = 1024;  // an idle connection costs this
constexpr std::size_t kBulk = 64 * 1024;

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
  if (pending_ || gone_) {
    return;
  }
  make_room(bulk ? kBulk : kSmall);
  if (end_ == capacity_) {
    return;
  }
  pending_ = true;
  socket_.async_read_some(net::asio::buffer(buffer_.get() + end_, capacity_ - end_),
                          [this](const boost::system::error_code& error, std::size_t bytes) {
                            pending_ = false;
                            gone_ = bool(error);
                            end_ += bytes;
                            changed_.set();
                          });
}

}  // namespace forebay::front
