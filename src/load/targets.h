#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "load/hit.h"

namespace forebay::load {

/// What to ask for.
struct Target {
  std::string method;
  std::string url;                          // absolute, http or https
  HeaderFields headers;                     // case of the names as written; defaults first
  std::shared_ptr<const std::string> body;  // never null; one file, one text
};

/// "Key: Value", of -header or a line of a target; space around both goes. Errors: "bad header:
/// TEXT", and a name or value that HTTP does not allow.
Result<std::pair<std::string, std::string>> parse_header(std::string_view text);

struct TargetOptions {
  enum class Format : std::uint8_t { kHttp, kJson };
  std::string path = "stdin";  // that word, or "-", means the stream
  Format format = Format::kHttp;
  bool lazy = false;
  std::string body_path = {};  // default body
  HeaderFields headers = {};   // of all targets
  int stop = -1;               // a descriptor: once it is readable, a lazy file has ended
};

/// The targets of an attack: all read before it and used in turn for ever, or read one by one until
/// the file ends (`lazy`). Any thread.
class Targets {
 public:
  /// Errors: the file, or the line that is no target, with its number.
  static Result<Targets> open(const TargetOptions& options);
  Targets(Targets&&) noexcept;
  ~Targets();

  /// The target of hit `sequence`; null: there are no more. `room` is where a lazy one is kept:
  /// those go to whoever asks first. Errors, lazy only: as of open(), and so does every later call.
  Result<const Target*> at(std::uint64_t sequence, Target& room);
  /// How many there are, 0 if lazy.
  [[nodiscard]] std::size_t size() const;

 private:
  struct State;
  explicit Targets(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace forebay::load
