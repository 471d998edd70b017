#pragma once

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <utility>

#include "base/check.h"

namespace forebay::front {

/// Bytes that many hold together, up to a bound. One thread; outlives its shares.
class Budget {
 public:
  explicit Budget(std::uint64_t bytes_max) : bytes_max_(bytes_max) {}
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;

  [[nodiscard]] bool has_room(std::uint64_t bytes) const { return bytes <= bytes_max_ - used_; }
  [[nodiscard]] std::uint64_t used() const { return used_; }

  /// What one of them holds; given back when it is destroyed.
  class Share {
   public:
    Share() = default;
    explicit Share(Budget& budget) : budget_(&budget) {}
    Share(Share&& other) noexcept
        : budget_(other.budget_), bytes_(std::exchange(other.bytes_, 0)) {}
    Share& operator=(Share&& other) noexcept {
      give_back();
      budget_ = other.budget_;
      bytes_ = std::exchange(other.bytes_, 0);
      return *this;
    }
    ~Share() { give_back(); }

    /// False: there is no room for so many more. Nothing is taken then.
    [[nodiscard]] bool take(std::uint64_t bytes) {
      CHECK(budget_ != nullptr);
      if (!budget_->has_room(bytes)) {
        return false;
      }
      budget_->used_ += bytes;
      bytes_ += bytes;
      return true;
    }
    /// As many as there is room for: who asks has looked before.
    void take_what_is_there(std::uint64_t bytes) {
      std::ignore = take(std::min(bytes, budget_->bytes_max_ - budget_->used_));
    }
    void give_back() {
      if (budget_ != nullptr) {
        budget_->used_ -= std::exchange(bytes_, 0);
      }
    }

   private:
    Budget* budget_ = nullptr;
    std::uint64_t bytes_ = 0;
  };

 private:
  std::uint64_t bytes_max_;
  std::uint64_t used_ = 0;
};

}  // namespace forebay::front
