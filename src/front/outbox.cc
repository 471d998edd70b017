#include "front/outbox.h"

#include <sys/uio.h>

#include <algorithm>
#include <array>

#include "base/check.h"
#include "front/ticker.h"

namespace forebay::front {
namespace {

constexpr std::size_t kPartsMax = 8;
constexpr std::uint64_t kSendfileMax = 1 << 20;  // a call, so that others get their turn

}  // namespace

void Outbox::send(std::initializer_list<std::string_view> parts) {
  if (failed_) {
    return;
  }
  std::size_t skip = drained() ? write_now(parts) : 0;
  for (const std::string_view part : parts) {
    const std::size_t done = std::min(skip, part.size());
    skip -= done;
    if (done < part.size()) {
      keep(part.substr(done));
    }
  }
  if (!drained() && !failed_) {
    wait_writable();
  }
}

void Outbox::send_file(Fd file, std::uint64_t offset, std::uint64_t length) {
  CHECK(file_left_ == 0);
  file_ = std::move(file);
  file_offset_ = offset;
  file_left_ = length;
  if (!stream_.blocked() && !failed_) {
    flush();
  }
}

std::size_t Outbox::write_now(std::initializer_list<std::string_view> parts) {
  CHECK(parts.size() <= kPartsMax);
  std::array<iovec, kPartsMax> vector{};
  std::size_t count = 0;
  for (const std::string_view part : parts) {
    if (!part.empty()) {
      vector[count++] = {const_cast<char*>(part.data()), part.size()};
    }
  }
  if (count == 0) {
    return 0;
  }
  const std::size_t sent = stream_.write(std::span(vector).first(count));
  sent_ += sent;
  if (stream_.broken()) {
    fail();
  }
  return sent;
}

void Outbox::keep(std::string_view bytes) {
  if (failed_) {
    return;
  }
  const bool spilling = spill_ && spill_->size() != spill_sent_;
  if (!spilling && memory_.size() + bytes.size() <= settings_.spool_memory) {
    memory_.append(bytes);
    return;
  }
  if (!spill_) {
    Result<SpoolFile> file = SpoolFile::create(settings_.spool_directory);
    if (!file) {
      return fail();
    }
    spill_.emplace(std::move(*file));
  }
  share_.take_what_is_there(bytes.size());
  if (!spill_->append(bytes)) {
    fail();
  }
}

void Outbox::flush() {
  while (!failed_ && !drained()) {
    const bool moved = flush_memory() && flush_spill() && flush_file();
    if (!moved) {
      break;
    }
  }
  if (!failed_ && !drained()) {
    wait_writable();
  }
}

bool Outbox::flush_memory() {
  while (memory_sent_ < memory_.size()) {
    memory_sent_ += write_now({std::string_view(memory_).substr(memory_sent_)});
    if (stream_.blocked() || failed_) {
      return false;
    }
  }
  memory_ = {};
  memory_sent_ = 0;
  return true;
}

bool Outbox::flush_spill() {
  if (!spill_) {
    return true;
  }
  while (spill_sent_ < spill_->size()) {
    if (!copy_from(spill_->fd(), spill_sent_, spill_->size() - spill_sent_)) {
      return false;
    }
  }
  spill_.reset();
  share_.give_back();
  spill_sent_ = 0;
  return true;
}

bool Outbox::flush_file() {
  while (file_left_ != 0) {
    const std::uint64_t before = file_offset_;
    if (!copy_from(file_.get(), file_offset_, file_left_)) {
      return false;
    }
    file_left_ -= file_offset_ - before;
  }
  file_.reset();
  return true;
}

bool Outbox::copy_from(int fd, std::uint64_t& offset, std::uint64_t left) {
  const std::size_t sent = stream_.write_file(fd, offset, std::min(left, kSendfileMax));
  sent_ += sent;
  if (sent == 0 && !stream_.blocked()) {
    fail();  // the client is gone, or a file that became shorter cannot be completed
  }
  return sent > 0;
}

/// From now on the client has to keep up its pace.
void Outbox::wait_writable() {
  if (!net::Timeout::linked()) {
    pace_.begin(taken());
    ticker_.arm(ticker_.write, *this);
  }
}

void Outbox::writable() {
  flush();
  if (failed_ || drained()) {
    net::TimeoutList::disarm(*this);
    changed_.set();
  }
}

/// What we have written may still lie in the kernel, megabytes of it.
std::uint64_t Outbox::taken() const { return sent_ - std::min(sent_, stream_.unsent()); }

void Outbox::fail() {
  failed_ = true;
  memory_ = {};
  memory_sent_ = 0;
  spill_.reset();
  share_.give_back();
  spill_sent_ = 0;
  file_.reset();
  file_left_ = 0;
}

void Outbox::timed_out() {
  if (pace_.keeps_up(taken())) {
    ticker_.arm(ticker_.write, *this);
    return;
  }
  fail();
  changed_.set();
}

}  // namespace forebay::front
