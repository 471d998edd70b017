#pragma once

#include <string_view>

namespace forebay {

namespace detail {
extern bool crash_armed;
void maybe_crash(std::string_view name);
}  // namespace detail

/// A place where this process can be told to die of SIGKILL, to prove that the others go on. The
/// environment names it: FOREBAY_CRASH=NAME:COUNT:FILE dies at the COUNT-th arrival, if FILE does
/// not exist yet; it is made then, so that one process dies and not each after the other. Without
/// the variable it costs a look at a flag.
inline void crash_point(std::string_view name) {
  if (detail::crash_armed) [[unlikely]] {
    detail::maybe_crash(name);
  }
}

}  // namespace forebay
