#pragma once

#include <ctime>

#include "http/response.h"

namespace forebay::front {

/// The Date field for now, made anew once a second.
class DateClock {
 public:
  [[nodiscard]] const http::HttpDate& now() {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (now.tv_sec != second_) {
      second_ = now.tv_sec;
      text_ = http::http_date(now.tv_sec);
    }
    return text_;
  }

 private:
  std::time_t second_ = -1;
  http::HttpDate text_{};
};

}  // namespace forebay::front
