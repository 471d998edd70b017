#pragma once

#include <cerrno>
#include <cstring>
#include <expected>
#include <string>
#include <string_view>

namespace forebay {

/// What went wrong, in words a user can act on: what was tried, on what, what the system said, what
/// to do.
struct Error {
  std::string message;
};

template <typename T>
using Result = std::expected<T, Error>;

[[nodiscard]] inline std::unexpected<Error> fail(std::string message) {
  return std::unexpected(Error{std::move(message)});
}

/// "cannot WHAT: TEXT OF ERRNO", for a system call that has just failed.
[[nodiscard]] inline std::unexpected<Error> fail_errno(std::string_view what, int code = errno) {
  return fail(std::string("cannot ").append(what).append(": ").append(std::strerror(code)));
}

}  // namespace forebay
