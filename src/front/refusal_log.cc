#include "front/refusal_log.h"

#include <iterator>
#include <string>

#include "base/text.h"

namespace forebay::front {

void RefusalLog::count(Reason reason) {
  if (!is_refusal(reason)) {
    return;
  }
  if (timer_.armed()) {
    ++counts_[static_cast<std::size_t>(reason)];
    return;
  }
  log_.warning("requests are refused ({}): more come than the workers can do in time",
               word(reason));
  timer_.after(kEvery, [this] { summarize(); });
}

void RefusalLog::summarize() {
  std::string text;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] != 0) {
      format_to(std::back_inserter(text), " {}={}", kReasonWords[i], counts_[i]);
    }
  }
  if (text.empty()) {
    return;
  }
  counts_.fill(0);
  log_.warning("refused in the last {} s:{}", kEvery.count(), text);
  timer_.after(kEvery, [this] { summarize(); });
}

}  // namespace forebay::front
