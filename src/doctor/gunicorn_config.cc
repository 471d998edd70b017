#include "doctor/gunicorn_config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "base/text.h"

namespace forebay::doctor {
namespace {

struct Setting {
  std::string_view name;
  std::string_view flag;
  std::string_view short_flag;
};
constexpr std::array kSettings{
    Setting{"backlog", "--backlog", ""},
    Setting{"timeout", "--timeout", "-t"},
    Setting{"worker_class", "--worker-class", "-k"},
    Setting{"threads", "--threads", ""},
    Setting{"config", "--config", "-c"},
    Setting{"chdir", "--chdir", ""},
};

/// False: no number that makes sense.
template <typename T>
bool set_number(std::string_view value, T& target) {
  T number{};
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size() || number < 0) {
    return false;
  }
  target = number;
  return true;
}

bool set(std::string_view name, std::string_view value, std::string where, GunicornConfig& config) {
  if (name == "backlog") {
    const bool done = set_number(value, config.backlog);
    config.backlog_where = done ? std::move(where) : config.backlog_where;
    return done;
  }
  if (name == "timeout") {
    return set_number(value, config.timeout_seconds);
  }
  if (name == "threads") {
    return set_number(value, config.threads);
  }
  if (name == "worker_class") {
    config.worker_class = value;
  } else if (name == "config") {
    config.config_path = value.starts_with("file:") ? value.substr(5) : value;
  } else if (name == "chdir") {
    config.directory = value;
  }
  return true;
}

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r"), text.size()));
  return text.substr(0, text.find_last_not_of(" \t\r") + 1);
}

/// The value of `8`, `"8"`, `'sync'  # comment`; "" if it is anything else.
std::string_view literal(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('"') || text.starts_with('\'')) {
    const std::size_t end = text.find(text.front(), 1);
    const bool plain =
        end != std::string_view::npos && text.substr(1, end).find('\\') == std::string_view::npos;
    const std::string_view rest = plain ? trimmed(text.substr(end + 1)) : "x";
    return rest.empty() || rest.starts_with('#') ? text.substr(1, end - 1) : "";
  }
  const std::string_view number = trimmed(text.substr(0, text.find('#')));
  const bool plain =
      std::ranges::all_of(number, [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
  return plain ? number : "";
}

}  // namespace

unsigned GunicornConfig::requests_per_worker() const {
  if (worker_class == "sync" || worker_class == "gthread") {
    return std::max(1U, threads);
  }
  return 0;
}

void read_gunicorn_options(const std::vector<std::string>& words, GunicornConfig& config) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    for (const Setting& setting : kSettings) {
      const bool is_short = !setting.short_flag.empty() && word.starts_with(setting.short_flag);
      const std::string where(setting.flag);
      if (word == setting.flag || (is_short && word == setting.short_flag)) {
        set(setting.name, i + 1 < words.size() ? words[i + 1] : "", where, config);
      } else if (word.starts_with(setting.flag) && word[setting.flag.size()] == '=') {
        set(setting.name, word.substr(setting.flag.size() + 1), where, config);
      } else if (is_short && !word.starts_with("--")) {
        set(setting.name, word.substr(2), where, config);
      }
    }
  }
}

void read_gunicorn_file(std::string_view text, const std::string& path, GunicornConfig& config) {
  for (unsigned number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos || line.substr(equals).starts_with("==")) {
      continue;
    }
    const std::string_view name = trimmed(line.substr(0, equals));
    const bool ours = std::ranges::any_of(
        kSettings, [&](const Setting& s) { return name.ends_with(s.name) && s.name != "config"; });
    if (!ours) {
      continue;
    }
    const std::string where = format("{}:{}", path, number);
    const std::string_view value = literal(line.substr(equals + 1));
    const bool at_top = std::ranges::find(kSettings, name, &Setting::name) != kSettings.end() &&
                        line.starts_with(name);
    if (!at_top || value.empty() || !set(name, value, where, config)) {
      config.unseen.push_back(
          format("{}: {} is computed there, and Python is not run", where, name));
    }
  }
}

}  // namespace forebay::doctor
