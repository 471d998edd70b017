#include "load/collector.h"

#include <unistd.h>

#include <cerrno>
#include <span>
#include <utility>

#include "base/text.h"

namespace forebay::load {
namespace {

constexpr std::size_t kFlushBytes = 64 * 1024;
constexpr std::size_t kSpareMax = 8;

}  // namespace

Collector::Collector(Options options)
    : options_(std::move(options)),
      writer_(options_.output ? HitWriter::make(options_.encoding) : nullptr) {}

Collector::~Collector() {
  if (thread_.joinable()) {
    (void)end({});
  }
}

void Collector::begin(const Run& run) {
  if (writer_) {
    writer_->begin(run, out_);
  }
  thread_ = std::thread([this] { work(); });
}

Collector::Batch Collector::give(Batch batch) {
  std::unique_lock lock(mutex_);
  if (waiting_ >= kWaitingMax) {
    held_up_ = true;
    changed_.wait(lock, [this] { return waiting_ < kWaitingMax; });
  }
  waiting_ += batch.count;
  batches_.push_back(std::move(batch));
  changed_.notify_all();
  Batch empty;
  if (!spare_.empty()) {
    empty = std::move(spare_.back());
    spare_.pop_back();
  }
  return empty;
}

Result<void> Collector::end(const Run& run) {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  changed_.notify_all();
  thread_.join();
  if (writer_) {
    writer_->end(run, out_);
    flush();
  }
  if (error_) {
    return std::unexpected(*error_);
  }
  return {};
}

void Collector::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return over_ || !batches_.empty(); });
    if (batches_.empty()) {
      return;
    }
    Batch batch = std::move(batches_.front());
    batches_.pop_front();
    lock.unlock();
    consume(batch);
    lock.lock();
    waiting_ -= std::exchange(batch.count, 0);
    if (spare_.size() < kSpareMax) {
      spare_.push_back(std::move(batch));
    }
    changed_.notify_all();
  }
}

void Collector::consume(const Batch& batch) {
  for (const auto& made : std::span(batch.hits).first(batch.count)) {
    const Hit& hit = *made;
    if (options_.look) {
      options_.look(hit);
    }
    if (writer_) {
      writer_->write(hit, out_);
      if (out_.size() >= kFlushBytes) {
        flush();
      }
    }
  }
  flush();
}

void Collector::flush() {
  std::string_view rest = out_;
  while (!rest.empty() && !error_) {
    const ssize_t written = ::write(options_.output.get(), rest.data(), rest.size());
    if (written >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      error_ =
          Error{format("cannot write the results to {}: {}", options_.name, std::strerror(errno))};
      options_.failed();
    }
  }
  out_.clear();
}

bool Collector::held_up() const {
  const std::lock_guard lock(mutex_);
  return held_up_;
}

std::size_t Collector::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_;
}

}  // namespace forebay::load
