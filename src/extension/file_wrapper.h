#pragma once

#include <cstdint>
#include <optional>

#include "base/fd.h"
#include "extension/state.h"

namespace forebay::extension {

/// wsgi.file_wrapper (PEP 3333 "Optional Platform-Specific File Handling"): an iterable over
/// `filelike` in blocks; its other attributes are those of `filelike`.
[[nodiscard]] Ref make_file_wrapper_type(PyObject* module);

/// A file that the kernel can send by itself.
struct RegularFile {
  Fd fd;
  std::uint64_t offset = 0;  // where the application has left it
  std::uint64_t bytes = 0;   // from there to its end
};

/// The file in a FileWrapper, if what it reads are just the bytes of a regular file. Sets no
/// exception.
[[nodiscard]] std::optional<RegularFile> find_regular_file(const State& state,
                                                           PyObject* file_wrapper);

}  // namespace forebay::extension
