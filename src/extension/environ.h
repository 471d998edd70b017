#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "extension/py.h"
#include "extension/request.h"

namespace forebay::extension {

/// Makes the environ of each request that one server runs (PEP 3333 "environ Variables").
///
/// What is the same for all requests of a listener comes from a template; names of fields that were
/// seen before come from a bounded cache, so that nothing is converted twice.
class EnvironBuilder {
 public:
  /// A field name is kept if it is no longer than this, and as long as there are no more than that.
  static constexpr std::size_t kCachedNameMax = 64;
  static constexpr std::size_t kCachedNamesMax = 1024;

  /// `templates`: a list of dicts, one per listener.
  [[nodiscard]] bool open(PyObject* templates);
  /// A new dict.
  [[nodiscard]] Ref build(const Request& request, PyObject* input, PyObject* client_disconnected,
                          double queue_seconds);

 private:
  /// One key of the environ that fields lead to, in whatever case they were sent.
  struct Key {
    Ref name;
    bool is_cookie = false;
    std::uint64_t seen_in_request = 0;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  template <typename T>
  using NameMap = std::unordered_map<std::string, T, Hash, std::equal_to<>>;

  [[nodiscard]] bool set(PyObject* environ, const Ref& key, const Ref& value) const;
  /// What a proxy in front of us has said.
  [[nodiscard]] bool set_origin(PyObject* environ, const Request& request) const;
  [[nodiscard]] bool set_remote(PyObject* environ, const Request& request) const;
  [[nodiscard]] bool set_path(PyObject* environ, std::string_view path_and_query);
  [[nodiscard]] bool set_fields(PyObject* environ, const Request& request);
  [[nodiscard]] bool set_field(PyObject* environ, std::string_view name, std::string_view value);
  [[nodiscard]] bool join_field(PyObject* environ, PyObject* key, bool is_cookie, const Ref& value);
  /// The key for a field name; nothing when the cache is full.
  Key* find_key(std::string_view name);
  void make_key_name(std::string_view name);

  std::vector<Ref> templates_;
  Ref request_method_, path_info_, query_string_, raw_uri_, request_uri_, server_protocol_,
      remote_addr_, remote_port_, wsgi_input_, queue_time_, client_disconnected_, script_name_,
      url_scheme_, http10_, http11_, https_;
  NameMap<Key*> by_field_name_;  // as received
  NameMap<Key> by_key_name_;     // as in the environ; nodes of this map do not move
  std::uint64_t requests_ = 0;
  std::string scratch_;
};

}  // namespace forebay::extension
