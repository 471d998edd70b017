#include "extension/environ.h"

#include <array>
#include <charconv>

namespace forebay::extension {
namespace {

Ref interned(const char* text) { return Ref::steal(PyUnicode_InternFromString(text)); }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// Percent-decodes once, whatever the bytes mean: no normalisation. What is no escape stays.
void percent_decode(std::string_view text, std::string& out) {
  out.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const int high = hex_digit(text[i + 1]);
      const int low = hex_digit(text[i + 2]);
      if (high >= 0 && low >= 0) {
        out += static_cast<char>(high * 16 + low);
        i += 2;
        continue;
      }
    }
    out += text[i];
  }
}

}  // namespace

bool EnvironBuilder::open(PyObject* templates) {
  request_method_ = interned("REQUEST_METHOD");
  path_info_ = interned("PATH_INFO");
  query_string_ = interned("QUERY_STRING");
  raw_uri_ = interned("RAW_URI");
  request_uri_ = interned("REQUEST_URI");
  server_protocol_ = interned("SERVER_PROTOCOL");
  remote_addr_ = interned("REMOTE_ADDR");
  remote_port_ = interned("REMOTE_PORT");
  wsgi_input_ = interned("wsgi.input");
  queue_time_ = interned("forebay.queue_time");
  client_disconnected_ = interned("forebay.client_disconnected");
  http10_ = interned("HTTP/1.0");
  script_name_ = interned("SCRIPT_NAME");
  url_scheme_ = interned("wsgi.url_scheme");
  http11_ = interned("HTTP/1.1");
  https_ = interned("https");
  if (PyErr_Occurred() != nullptr) {
    return false;
  }
  for (Py_ssize_t i = 0; i < PyList_Size(templates); ++i) {
    Ref base = Ref::steal(PyDict_Copy(PyList_GetItem(templates, i)));
    if (!base) {
      return false;
    }
    // These are set for each request. With their places taken here, a copy of the dict has its
    // final size from the start and does not grow (which costs more than all the rest).
    for (const Ref* key : {&request_method_, &path_info_, &query_string_, &raw_uri_, &request_uri_,
                           &server_protocol_, &remote_addr_, &remote_port_, &wsgi_input_,
                           &queue_time_, &client_disconnected_}) {
      if (PyDict_SetItem(base.get(), key->get(), Py_None) != 0) {
        return false;
      }
    }
    templates_.push_back(std::move(base));
  }
  return PyErr_Occurred() == nullptr;
}

Ref EnvironBuilder::build(const Request& request, PyObject* input, PyObject* client_disconnected,
                          double queue_seconds) {
  ++requests_;
  if (request.header.listener >= templates_.size()) {
    PyErr_Format(PyExc_IndexError, "no environ template for listener %d",
                 int{request.header.listener});
    return {};
  }
  Ref environ = Ref::steal(PyDict_Copy(templates_[request.header.listener].get()));
  PyObject* dict = environ.get();
  if (dict == nullptr) {
    return {};
  }
  const Ref target = to_str(request.target);
  const bool done = set(dict, request_method_, to_str(request.method)) &&
                    set_path(dict, request.path) && set(dict, raw_uri_, target) &&
                    set(dict, request_uri_, target) &&
                    PyDict_SetItem(dict, server_protocol_.get(),
                                   request.is_http11() ? http11_.get() : http10_.get()) == 0 &&
                    set_origin(dict, request) && set_remote(dict, request) &&
                    PyDict_SetItem(dict, wsgi_input_.get(), input) == 0 &&
                    PyDict_SetItem(dict, client_disconnected_.get(), client_disconnected) == 0 &&
                    set(dict, queue_time_, Ref::steal(PyFloat_FromDouble(queue_seconds))) &&
                    set_fields(dict, request);
  return done ? std::move(environ) : Ref();
}

bool EnvironBuilder::set(PyObject* environ, const Ref& key, const Ref& value) const {
  return value && PyDict_SetItem(environ, key.get(), value.get()) == 0;
}

bool EnvironBuilder::set_origin(PyObject* environ, const Request& request) const {
  return (!request.is_https() || PyDict_SetItem(environ, url_scheme_.get(), https_.get()) == 0) &&
         (request.script_name.empty() || set(environ, script_name_, to_str(request.script_name)));
}

/// A client on a unix socket has no port: then there is no REMOTE_PORT.
bool EnvironBuilder::set_remote(PyObject* environ, const Request& request) const {
  if (!set(environ, remote_addr_, to_str(request.remote_address))) {
    return false;
  }
  if (request.header.remote_port == 0) {
    return PyDict_DelItem(environ, remote_port_.get()) == 0;
  }
  std::array<char, 8> port{};
  const char* end =
      std::to_chars(port.data(), port.data() + port.size(), request.header.remote_port).ptr;
  return set(environ, remote_port_, to_str({port.data(), end}));
}

bool EnvironBuilder::set_path(PyObject* environ, std::string_view path_and_query) {
  const std::size_t question = path_and_query.find('?');
  std::string_view path = path_and_query.substr(0, question);
  const std::string_view query =
      question == std::string_view::npos ? "" : path_and_query.substr(question + 1);
  if (path.find('%') != std::string_view::npos) {
    percent_decode(path, scratch_);
    path = scratch_;
  }
  return set(environ, path_info_, to_str(path)) && set(environ, query_string_, to_str(query));
}

bool EnvironBuilder::set_fields(PyObject* environ, const Request& request) {
  channel::StringReader reader(request.fields);
  for (std::uint16_t i = 0; i < request.header.fields; ++i) {
    const std::string_view name = reader.string();
    const std::string_view value = reader.string();
    if (!set_field(environ, name, value)) {
      return false;
    }
  }
  return true;
}

bool EnvironBuilder::set_field(PyObject* environ, std::string_view name, std::string_view value) {
  const Ref text = to_str(value);
  if (!text) {
    return false;
  }
  Key* key = find_key(name);
  if (key == nullptr) {
    if (PyErr_Occurred() != nullptr) {
      return false;
    }
    const Ref uncached = to_str(scratch_);
    return uncached && join_field(environ, uncached.get(), scratch_ == "HTTP_COOKIE", text);
  }
  if (key->seen_in_request == requests_) {
    return join_field(environ, key->name.get(), key->is_cookie, text);
  }
  key->seen_in_request = requests_;
  return PyDict_SetItem(environ, key->name.get(), text.get()) == 0;
}

/// Repeated fields become one, in order (RFC 9110 section 5.3, for cookies RFC 9113 section 8.2.3).
bool EnvironBuilder::join_field(PyObject* environ, PyObject* key, bool is_cookie,
                                const Ref& value) {
  PyObject* before = PyDict_GetItemWithError(environ, key);
  if (before == nullptr) {
    return PyErr_Occurred() == nullptr && PyDict_SetItem(environ, key, value.get()) == 0;
  }
  const Ref both =
      Ref::steal(PyUnicode_FromFormat(is_cookie ? "%U; %U" : "%U,%U", before, value.get()));
  return both && PyDict_SetItem(environ, key, both.get()) == 0;
}

EnvironBuilder::Key* EnvironBuilder::find_key(std::string_view name) {
  if (const auto known = by_field_name_.find(name); known != by_field_name_.end()) {
    return known->second;
  }
  make_key_name(name);
  const bool cacheable = name.size() <= kCachedNameMax && by_field_name_.size() < kCachedNamesMax;
  auto known = by_key_name_.find(scratch_);
  if (known == by_key_name_.end() && cacheable) {
    PyObject* text = to_str(scratch_).release();
    if (text == nullptr) {
      return nullptr;
    }
    PyUnicode_InternInPlace(&text);
    known = by_key_name_.emplace(scratch_, Key{Ref::steal(text), scratch_ == "HTTP_COOKIE"}).first;
  }
  if (known == by_key_name_.end()) {
    return nullptr;
  }
  if (cacheable) {
    by_field_name_.emplace(name, &known->second);
  }
  return &known->second;
}

/// Accept-Encoding to HTTP_ACCEPT_ENCODING, into scratch_.
void EnvironBuilder::make_key_name(std::string_view name) {
  scratch_ = "HTTP_";
  for (const char c : name) {
    scratch_ += c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  }
  if (scratch_ == "HTTP_CONTENT_TYPE" || scratch_ == "HTTP_CONTENT_LENGTH") {
    scratch_.erase(0, 5);
  }
}

}  // namespace forebay::extension
