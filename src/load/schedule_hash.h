#pragma once

#include <cstdint>
#include <string_view>

namespace forebay::load {

/// FNV-1a, 64 bits: names a schedule.
class ScheduleHash {
 public:
  ScheduleHash& add(std::string_view bytes) {
    for (const char byte : bytes)
      value_ = (value_ ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
    return *this;
  }
  ScheduleHash& add(std::uint64_t number) {
    for (unsigned shift = 0; shift < 64; shift += 8)
      value_ = (value_ ^ ((number >> shift) & 0xff)) * 0x100000001b3;
    return *this;
  }
  [[nodiscard]] std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325;
};

}  // namespace forebay::load
