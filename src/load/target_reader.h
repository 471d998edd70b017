#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "load/line_reader.h"
#include "load/targets.h"

namespace forebay::load {

using Body = std::shared_ptr<const std::string>;

/// Files that are bodies, each read once. One thread.
class BodyFiles {
 public:
  static constexpr std::size_t kBodyBytesMax = std::size_t{1} << 30;
  /// Of all files that are kept; beyond it, they are read again when they are named again.
  static constexpr std::size_t kKeptBytesMax = std::size_t{256} << 20;

  /// Errors: "bad body: " and why it cannot be read.
  Result<Body> read(const std::string& path);

 private:
  std::unordered_map<std::string, Body> kept_;
  std::size_t kept_bytes_ = 0;
};

/// Reads targets of one format from lines. One thread.
class TargetReader {
 public:
  TargetReader(LineReader lines, HeaderFields headers, Body body)
      : lines_(std::move(lines)), headers_(std::move(headers)), body_(std::move(body)) {}
  virtual ~TargetReader() = default;
  /// False: there are no more. Errors: what is wrong, with the line; the reader is of no more use.
  Result<bool> next(Target& target);
  /// All was read; false after a stop.
  [[nodiscard]] bool ended() const { return lines_.ended(); }

 protected:
  /// next() with the defaults filled in; the place in a message is added if it is not there.
  virtual Result<bool> read(Target& target) = 0;

  LineReader lines_;
  const HeaderFields headers_;  // of all targets, before their own
  const Body body_;             // of those that have none
};

/// The formats: targets_http.cc, targets_json.cc.
std::unique_ptr<TargetReader> make_http_reader(LineReader lines, HeaderFields headers, Body body);

std::unique_ptr<TargetReader> make_json_reader(LineReader lines, HeaderFields headers, Body body);

/// As said in TargetOptions, with the default body read.
Result<std::unique_ptr<TargetReader>> open_target_reader(const TargetOptions& options);

/// Errors: "bad URL: TEXT, WHY".
Result<void> check_url(std::string_view text);
/// Errors: "bad header: NAME: WHY".
Result<void> check_header(std::string_view name, std::string_view value);

}  // namespace forebay::load
