#include "load/targets.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>

#include "base/text.h"
#include "http/text.h"
#include "load/target_reader.h"
#include "load/url.h"

namespace forebay::load {
namespace {

constexpr const char* kNoTargets = "no targets to attack";
constexpr std::size_t kReadBytes = std::size_t{64} << 10;

Result<std::string> read_body(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    return fail_errno(format("open {}", path));
  }
  std::string body;
  while (body.size() <= BodyFiles::kBodyBytesMax) {
    const std::size_t before = body.size();
    body.resize(before + kReadBytes);
    const ssize_t got = ::read(file.get(), body.data() + before, kReadBytes);
    const int code = errno;
    body.resize(before + static_cast<std::size_t>(got > 0 ? got : 0));
    if (got < 0 && code != EINTR) {
      return fail_errno(format("read {}", path), code);
    }
    if (got == 0) {
      return body;
    }
  }
  return fail(format("{} is larger than {} MiB", path, BodyFiles::kBodyBytesMax >> 20));
}

}  // namespace

Result<Body> BodyFiles::read(const std::string& path) {
  if (const auto kept = kept_.find(path); kept != kept_.end()) {
    return kept->second;
  }
  Result<std::string> text = read_body(path);
  if (!text) {
    return fail("bad body: " + text.error().message);
  }
  if (kept_bytes_ + text->size() + path.size() > kKeptBytesMax) {
    kept_.clear();
    kept_bytes_ = 0;
  }
  kept_bytes_ += text->size() + path.size();
  return kept_[path] = std::make_shared<const std::string>(std::move(*text));
}

Result<bool> TargetReader::next(Target& target) {
  target.headers = headers_;
  target.body = body_;
  Result<bool> more = read(target);
  if (!more && !more.error().message.ends_with(lines_.place())) {
    more.error().message += lines_.place();
  }
  return more;
}

Result<void> check_url(std::string_view text) {
  const Result<Url> url = parse_url(text);
  if (!url) {
    return fail(format("bad URL: {}, {}", text, url.error().message));
  }
  return {};
}

Result<void> check_header(std::string_view name, std::string_view value) {
  if (!http::is_token(name)) {
    return fail(format("bad header: {}: {}: '{}' is no name of a header", name, value, name));
  }
  if (!http::is_text(value)) {
    return fail(format("bad header: {}: control characters in its value", name));
  }
  return {};
}

Result<std::pair<std::string, std::string>> parse_header(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    return fail(format("bad header: {}: write it as Name: value", text));
  }
  const std::string_view name = http::trim(text.substr(0, colon));
  const std::string_view value = http::trim(text.substr(colon + 1));
  if (value.empty()) {
    return fail(format("bad header: {}: no value", text));
  }
  if (Result<void> checked = check_header(name, value); !checked) {
    return std::unexpected(std::move(checked.error()));
  }
  return std::pair<std::string, std::string>(name, value);
}

Result<std::unique_ptr<TargetReader>> open_target_reader(const TargetOptions& options) {
  auto body = std::make_shared<const std::string>();
  if (!options.body_path.empty()) {
    Result<Body> read = BodyFiles().read(options.body_path);
    if (!read) {
      return std::unexpected(std::move(read.error()));
    }
    body = *read;
  }
  Result<LineReader> lines = LineReader::open(options.path, options.stop);
  if (!lines) {
    return std::unexpected(std::move(lines.error()));
  }
  const auto make =
      options.format == TargetOptions::Format::kJson ? make_json_reader : make_http_reader;
  return make(std::move(*lines), options.headers, std::move(body));
}

struct Targets::State {
  std::vector<Target> all;  // empty: lazy

  std::mutex mutex;  // over what follows
  std::unique_ptr<TargetReader> reader;
  std::uint64_t read = 0;
  std::string failed;  // message of what ended the reading
};

Targets::Targets(std::unique_ptr<State> state) : state_(std::move(state)) {}
Targets::Targets(Targets&&) noexcept = default;
Targets::~Targets() = default;

Result<Targets> Targets::open(const TargetOptions& options) {
  Result<std::unique_ptr<TargetReader>> reader = open_target_reader(options);
  if (!reader) {
    return std::unexpected(std::move(reader.error()));
  }
  auto state = std::make_unique<State>();
  if (options.lazy) {
    state->reader = std::move(*reader);
    return Targets(std::move(state));
  }
  Result<bool> more = true;
  for (Target target; (more = (*reader)->next(target)) && *more;)
    state->all.push_back(std::move(target));
  if (!more) {
    return std::unexpected(std::move(more.error()));
  }
  if (state->all.empty()) {
    return fail(kNoTargets);
  }
  return Targets(std::move(state));
}

Result<const Target*> Targets::at(std::uint64_t sequence, Target& room) {
  if (!state_->all.empty()) {
    return &state_->all[sequence % state_->all.size()];
  }
  const std::lock_guard lock(state_->mutex);
  if (state_->reader) {
    const Result<bool> more = state_->reader->next(room);
    if (more && *more) {
      ++state_->read;
      return &room;
    }
    const bool none = state_->read == 0 && state_->reader->ended();
    state_->failed = !more ? more.error().message : none ? kNoTargets : "";
    state_->reader.reset();
  }
  if (!state_->failed.empty()) {
    return fail(state_->failed);
  }
  return nullptr;
}

std::size_t Targets::size() const { return state_->all.size(); }

}  // namespace forebay::load
