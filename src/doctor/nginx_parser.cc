#include <array>

#include "base/text.h"
#include "doctor/nginx_config.h"

namespace forebay::doctor {
namespace {

constexpr int kDepthMax = 32;
constexpr std::size_t kDirectivesMax = 100'000;  // of one file

/// Words, "{", "}" and ";" of one file, in the way of ngx_conf_read_token.
class Parser {
 public:
  Parser(std::string_view text, const std::string& file) : left_(text), file_(file) {}

  Result<std::vector<Directive>> parse(int depth = 0) {
    std::vector<Directive> directives;
    if (depth > kDepthMax) {
      return error("blocks are nested too deeply");
    }
    for (;;) {
      skip_space();
      if (left_.empty()) {
        return depth == 0 ? Result<std::vector<Directive>>(std::move(directives))
                          : error("a block is not closed");
      }
      if (left_.front() == '}') {
        left_.remove_prefix(1);
        return depth > 0 ? Result<std::vector<Directive>>(std::move(directives))
                         : error("a } too many");
      }
      auto directive = parse_directive(depth);
      if (!directive) {
        return std::unexpected(directive.error());
      }
      if (++count_ > kDirectivesMax) {
        return error("too many directives");
      }
      directives.push_back(std::move(*directive));
    }
  }

 private:
  [[nodiscard]] std::unexpected<Error> error(std::string_view what) const {
    return fail(format("{}:{}: {}", file_, line_, what));
  }

  Result<Directive> parse_directive(int depth) {
    Directive directive;
    directive.where = format("{}:{}", file_, line_);
    for (;;) {
      skip_space();
      if (left_.empty()) {
        return error("a directive is not ended by ;");
      }
      const char c = left_.front();
      if (c == '}' || ((c == ';' || c == '{') && directive.words.empty())) {
        return error(format("unexpected {}", c));
      }
      if (c == ';') {
        left_.remove_prefix(1);
        return directive;
      }
      if (c == '{') {
        left_.remove_prefix(1);
        return parse_block(std::move(directive), depth);
      }
      if (auto read = read_word(directive.words); !read) {
        return std::unexpected(read.error());
      }
    }
  }

  Result<Directive> parse_block(Directive directive, int depth) {
    if (directive.words.front().ends_with("_by_lua_block")) {
      return skip_program() ? Result<Directive>(std::move(directive))
                            : error("a block of Lua is not closed");
    }
    auto block = parse(depth + 1);
    if (!block) {
      return std::unexpected(block.error());
    }
    directive.block = std::move(*block);
    return directive;
  }

  Result<void> read_word(std::vector<std::string>& words) {
    const char quote = left_.front();
    if (quote == '"' || quote == '\'') {
      return read_quoted(quote, words);
    }
    std::string word;
    while (!left_.empty()) {
      const char c = left_.front();
      const bool variable = c == '{' && word.ends_with('$');  // "${name}"
      if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ';' || (c == '{' && !variable)) {
        break;
      }
      take(word);
    }
    words.push_back(std::move(word));
    return {};
  }

  Result<void> read_quoted(char quote, std::vector<std::string>& words) {
    next();
    std::string word;
    while (!left_.empty() && left_.front() != quote) {
      take(word);
    }
    if (left_.empty()) {
      return error("a quote is not closed");
    }
    next();
    words.push_back(std::move(word));
    return {};
  }

  /// One character, or what a backslash stands before.
  void take(std::string& word) {
    if (left_.front() == '\\' && left_.size() > 1) {
      next();
    }
    word += left_.front();
    next();
  }

  void next() {
    line_ += left_.front() == '\n' ? 1 : 0;
    left_.remove_prefix(1);
  }

  void skip_space() {
    while (!left_.empty()) {
      const char c = left_.front();
      if (c == '#') {
        left_.remove_prefix(std::min(left_.find('\n'), left_.size()));
      } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
        next();
      } else {
        return;
      }
    }
  }

  /// Lua up to the brace that ends it; braces in its strings are taken for braces.
  bool skip_program() {
    for (int depth = 1; !left_.empty();) {
      depth += left_.front() == '{' ? 1 : left_.front() == '}' ? -1 : 0;
      next();
      if (depth == 0) {
        return true;
      }
    }
    return false;
  }

  std::string_view left_;
  const std::string& file_;
  unsigned line_ = 1;
  std::size_t count_ = 0;
};

}  // namespace

Result<std::vector<Directive>> parse_directives(std::string_view text, const std::string& file) {
  return Parser(text, file).parse();
}

}  // namespace forebay::doctor
