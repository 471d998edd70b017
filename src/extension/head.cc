#include "extension/head.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <limits>

#include "channel/message.h"

namespace forebay::extension {
namespace {

/// Room that the Content-Length we may add ourselves takes: two lengths, name, 20 digits.
constexpr std::size_t kContentLengthRoom = 4 + 14 + 4 + 20;

using Set = std::array<bool, 256>;

/// Octets of a token: RFC 9110 section 5.6.2.
constexpr Set kToken = [] {
  Set set{};
  for (const char c : std::string_view("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                       "ABCDEFGHIJKLMNOPQRSTUVWXYZ")) {
    set[static_cast<unsigned char>(c)] = true;
  }
  return set;
}();

/// Octets of a field value or a reason: RFC 9110 section 5.5, RFC 9112 section 4.
constexpr Set kText = [] {
  Set set{};
  for (std::size_t c = ' '; c < set.size(); ++c) {
    set[c] = c != 0x7f;
  }
  set['\t'] = true;
  return set;
}();

bool consists_of(std::string_view text, const Set& set) {
  bool good = true;
  for (const char c : text) {
    good &= set[static_cast<unsigned char>(c)];
  }
  return good;
}

bool same_name(std::string_view name, std::string_view lower) {
  return name.size() == lower.size() &&
         std::equal(name.begin(), name.end(), lower.begin(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
}

/// Fields of the connection, which is the front's: RFC 9110 section 7.6.1.
bool is_connection_level(std::string_view name) {
  constexpr std::array<std::string_view, 7> kNames{
      "connection", "keep-alive",      "te", "trailer", "transfer-encoding",
      "upgrade",    "proxy-connection"};
  switch (name.empty() ? 0 : name[0] | 0x20) {
    case 'c':
    case 'k':
    case 't':
    case 'u':
    case 'p':
      return std::ranges::any_of(kNames, [&](auto known) { return same_name(name, known); });
    default:
      return false;
  }
}

/// The bytes of a str in Latin-1, as PEP 3333 "Unicode Issues" wants them.
class Latin1 {
 public:
  [[nodiscard]] bool open(PyObject* text) {
    Py_ssize_t size = 0;
    const char* utf8 = PyUnicode_AsUTF8AndSize(text, &size);
    if (utf8 != nullptr && size == PyUnicode_GetLength(text)) {
      view_ = {utf8, static_cast<std::size_t>(size)};  // ASCII: no copy
      return true;
    }
    PyErr_Clear();
    bytes_ = Ref::steal(PyUnicode_AsLatin1String(text));
    if (bytes_) {
      view_ = view_of_bytes(bytes_.get());
    }
    return static_cast<bool>(bytes_);
  }
  [[nodiscard]] std::string_view view() const { return view_; }

 private:
  Ref bytes_;
  std::string_view view_;
};

}  // namespace

bool Head::set(PyObject* status, PyObject* fields) {
  clear();
  if (!set_status(status)) {
    return false;
  }
  if (PyList_Check(fields) == 0) {
    PyErr_Format(PyExc_TypeError, "start_response: the headers must be a list of tuples, not %R",
                 reinterpret_cast<PyObject*>(Py_TYPE(fields)));
    return false;
  }
  // The size is read anew each time: an exotic str could shorten the list while we look.
  for (Py_ssize_t i = 0; i < PyList_Size(fields); ++i) {
    if (!add_field(PyList_GetItem(fields, i))) {
      return false;
    }
    if (bytes_.size() > kBytesMax - kContentLengthRoom) {
      PyErr_Format(PyExc_ValueError, "start_response: status and headers take more than %d bytes",
                   static_cast<int>(kBytesMax - kContentLengthRoom));
      return false;
    }
  }
  return true;
}

void Head::set(std::uint16_t status, std::string_view reason, std::string_view content_type) {
  clear();
  status_ = status;
  put(reason);
  put_field("Content-Type", content_type);
}

void Head::set_content_length(std::uint64_t bytes) {
  content_length_ = bytes;
  if (is_bodiless()) {
    return;
  }
  std::array<char, 20> digits{};
  const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), bytes).ptr;
  put_field("Content-Length", {digits.data(), end});
}

std::span<const std::byte> Head::bytes() {
  const channel::ResponseHeader header{status_, fields_};
  std::memcpy(bytes_.data(), &header, sizeof(header));
  return std::as_bytes(std::span(bytes_));
}

void Head::clear() {
  bytes_.assign(sizeof(channel::ResponseHeader), '\0');
  dropped_.clear();
  content_length_.reset();
  status_ = 0;
  fields_ = 0;
}

bool Head::set_status(PyObject* status) {
  if (PyUnicode_Check(status) == 0) {
    PyErr_Format(PyExc_TypeError, "start_response: the status must be a str like '200 OK', not %R",
                 reinterpret_cast<PyObject*>(Py_TYPE(status)));
    return false;
  }
  Latin1 text;
  if (!text.open(status)) {
    return false;
  }
  const std::string_view line = text.view();
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), status_);
  const bool three_digits = error == std::errc() && end - line.data() == 3;
  if (!three_digits || (line.size() > 3 && line[3] != ' ') || !consists_of(line, kText)) {
    PyErr_Format(PyExc_ValueError,
                 "start_response: the status must be three digits, a space and a reason, not %R",
                 status);
    return false;
  }
  if (status_ < 200) {
    PyErr_Format(PyExc_ValueError, "start_response: %R is no final status (200 and above are)",
                 status);
    return false;
  }
  if (line.size() > kBytesMax / 2) {
    PyErr_SetString(PyExc_ValueError, "start_response: the status is too long");
    return false;
  }
  put(line.substr(std::min<std::size_t>(line.size(), 4)));
  return true;
}

bool Head::add_field(PyObject* pair) {
  if (PyTuple_Check(pair) == 0 || PyTuple_Size(pair) != 2) {
    PyErr_Format(PyExc_TypeError,
                 "start_response: each header must be a tuple (name, value), not %R", pair);
    return false;
  }
  PyObject* name_text = PyTuple_GetItem(pair, 0);
  PyObject* value_text = PyTuple_GetItem(pair, 1);
  if (PyUnicode_Check(name_text) == 0 || PyUnicode_Check(value_text) == 0) {
    PyErr_Format(PyExc_TypeError, "start_response: header names and values must be str, not %R",
                 pair);
    return false;
  }
  Latin1 name;
  Latin1 value;
  if (!name.open(name_text) || !value.open(value_text)) {
    return false;
  }
  if (name.view().empty() || !consists_of(name.view(), kToken) ||
      !consists_of(value.view(), kText)) {
    PyErr_Format(PyExc_ValueError,
                 "start_response: a header has characters that HTTP does not allow: %R", pair);
    return false;
  }
  if (is_connection_level(name.view())) {
    dropped_.append(dropped_.empty() ? "" : ", ").append(name.view());
    return true;
  }
  if (same_name(name.view(), "content-length") && !take_content_length(value.view())) {
    PyErr_Format(PyExc_ValueError,
                 "start_response: Content-Length must be one number of bytes, not %R", value_text);
    return false;
  }
  if (fields_ == std::numeric_limits<std::uint16_t>::max()) {
    PyErr_SetString(PyExc_ValueError, "start_response: too many headers");
    return false;
  }
  if (name.view().size() + value.view().size() > kBytesMax) {
    PyErr_Format(PyExc_ValueError, "start_response: the header %R is too long", name_text);
    return false;
  }
  put_field(name.view(), value.view());
  return true;
}

bool Head::take_content_length(std::string_view value) {
  std::uint64_t bytes = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), bytes);
  if (content_length_ || error != std::errc() || end != value.data() + value.size()) {
    return false;
  }
  content_length_ = bytes;
  return true;
}

void Head::put(std::string_view text) {
  const auto size = static_cast<std::uint32_t>(text.size());
  bytes_.append(reinterpret_cast<const char*>(&size), sizeof(size)).append(text);
}

void Head::put_field(std::string_view name, std::string_view value) {
  put(name);
  put(value);
  ++fields_;
}

}  // namespace forebay::extension
