#pragma once

#include <cstddef>
#include <functional>
#include <string>

namespace forebay {

/// Calls `check` with every input of fuzz/corpus/NAME; a failure names the file. How many there
/// are.
std::size_t replay_corpus(const std::string& name,
                          const std::function<void(const std::string& input)>& check);

}  // namespace forebay
