#include "http/http2_client.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include <nghttp2/nghttp2.h>

#include "base/check.h"
#include "base/text.h"
#include "http/text.h"

namespace forebay::http {
namespace {

/// Output that is made in advance.
constexpr std::size_t kOutputMax = 64 * 1024;

/// What RFC 9113 section 6.5.2 asks servers to permit at least.
constexpr std::uint32_t kStreamsBeforeSettings = 100;

std::string_view view(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

nghttp2_nv pair(std::string_view name, std::string_view value) {
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));  // read and copied
  };
  return {.name = bytes(name),
          .value = bytes(value),
          .namelen = name.size(),
          .valuelen = value.size(),
          .flags = NGHTTP2_NV_FLAG_NONE};
}

}  // namespace

/// One request and its answer.
struct Http2Client::Stream {
  /// Where a field lies in text: from the end of the one before it.
  struct Place {
    std::size_t name_end;
    std::size_t value_end;
  };

  void tell_head() {
    std::vector<Field> fields;
    std::size_t start = 0;
    for (const Place& place : places) {
      const std::string_view all = text;
      fields.push_back({.name = all.substr(start, place.name_end - start),
                        .value = all.substr(place.name_end, place.value_end - place.name_end)});
      start = place.value_end;
    }
    head_told = true;
    exchange->head(status, fields);
  }

  Exchange* exchange;     // null: cancelled
  std::string_view body;  // of the request, what is left
  int status = 0;
  std::size_t head_bytes = 0;
  std::string text = {};  // names and values
  std::vector<Place> places = {};
  bool head_told = false;
  bool complete = false;  // the answer
  bool refused = false;   // it came too late for this connection, and was not sent
};

struct Http2Client::Callbacks {
  static Stream* stream_of(nghttp2_session* session, std::int32_t id) {
    auto* stream = static_cast<Stream*>(::nghttp2_session_get_stream_user_data(session, id));
    return stream != nullptr && stream->exchange != nullptr ? stream : nullptr;
  }

  static int on_field(nghttp2_session* session, const nghttp2_frame* frame,
                      const std::uint8_t* name_bytes, std::size_t name_size,
                      const std::uint8_t* value_bytes, std::size_t value_size,
                      std::uint8_t /*flags*/, void* self) {
    Stream* const stream = stream_of(session, frame->hd.stream_id);
    if (stream == nullptr) return 0;
    const Http2Client& client = *static_cast<const Http2Client*>(self);
    stream->head_bytes += name_size + value_size;
    if (stream->head_bytes > client.limits_.head_bytes) {
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    const std::string_view name = view(name_bytes, name_size);
    const std::string_view value = view(value_bytes, value_size);
    if (stream->head_told) return 0;  // a trailer
    if (name == ":status") {
      stream->status = static_cast<int>(parse_number(value).value_or(0));
      stream->text.clear();
      stream->places.clear();
    } else if (!name.starts_with(':')) {
      stream->text.append(name);
      const std::size_t name_end = stream->text.size();
      stream->text.append(trim(value));
      stream->places.push_back({.name_end = name_end, .value_end = stream->text.size()});
    }
    return 0;
  }

  static int on_frame(nghttp2_session* session, const nghttp2_frame* frame, void* self) {
    if (frame->hd.type == NGHTTP2_SETTINGS && (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0) {
      static_cast<Http2Client*>(self)->settings_seen_ = true;
    }
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    const std::int32_t id = frame->hd.stream_id;
    Stream* stream = stream_of(session, id);
    if (stream == nullptr) return 0;
    if (frame->hd.type == NGHTTP2_HEADERS && !stream->head_told && stream->status >= 200) {
      stream->tell_head();
      stream = stream_of(session, id);  // which may have been cancelled
    }
    if (stream == nullptr || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
    stream->complete = true;
    if (!stream->body.empty()) {  // the server did not wait for the rest
      stream->body = {};
      ::nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
    }
    return 0;
  }

  static int on_body(nghttp2_session* session, std::uint8_t /*flags*/, std::int32_t id,
                     const std::uint8_t* bytes, std::size_t size, void* /*self*/) {
    Stream* const stream = stream_of(session, id);
    if (stream != nullptr && size > 0) stream->exchange->body(view(bytes, size));
    return 0;
  }

  static int on_stream_end(nghttp2_session* /*session*/, std::int32_t id, std::uint32_t code,
                           void* self) {
    Http2Client& client = *static_cast<Http2Client*>(self);
    if (client.failed_) return 0;  // abandon() will tell
    const auto ended = client.streams_.extract(id);
    if (ended.empty() || ended.mapped()->exchange == nullptr) return 0;
    const Stream& stream = *ended.mapped();
    std::uint32_t why = code == NGHTTP2_NO_ERROR ? NGHTTP2_PROTOCOL_ERROR : code;
    if (stream.refused) why = NGHTTP2_REFUSED_STREAM;
    stream.exchange->ended(stream.complete && stream.head_told ? NGHTTP2_NO_ERROR : why);
    return 0;
  }

  static int on_not_sent(nghttp2_session* session, const nghttp2_frame* frame, int code,
                         void* /*self*/) {
    Stream* const stream = stream_of(session, frame->hd.stream_id);
    if (stream != nullptr) stream->refused = code == NGHTTP2_ERR_START_STREAM_NOT_ALLOWED;
    return 0;
  }

  /// The only GOAWAY of ours is that of nghttp2 when the server breaks a rule, and says which.
  static int on_frame_sent(nghttp2_session* /*session*/, const nghttp2_frame* frame, void* self) {
    if (frame->hd.type != NGHTTP2_GOAWAY) return 0;
    Http2Client& client = *static_cast<Http2Client*>(self);
    client.failed_ = true;
    if (client.complaint_.empty()) {
      client.complaint_ = view(frame->goaway.opaque_data, frame->goaway.opaque_data_len);
    }
    return 0;
  }

  static ssize_t give_body(nghttp2_session* session, std::int32_t id, std::uint8_t* into,
                           std::size_t size, std::uint32_t* flags, nghttp2_data_source* /*source*/,
                           void* /*self*/) {
    Stream* const stream = stream_of(session, id);
    if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    const std::string_view piece = stream->body.substr(0, size);
    std::memcpy(into, piece.data(), piece.size());
    stream->body.remove_prefix(piece.size());
    if (stream->body.empty()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(piece.size());
  }

  static int on_complaint(nghttp2_session* /*session*/, int /*code*/, const char* text,
                          std::size_t size, void* self) {
    static_cast<Http2Client*>(self)->complaint_.assign(text, size);
    return 0;
  }

  static const nghttp2_session_callbacks* all() {
    static const nghttp2_session_callbacks* const shared = [] {
      nghttp2_session_callbacks* callbacks = nullptr;
      CHECK(::nghttp2_session_callbacks_new(&callbacks) == 0);
      ::nghttp2_session_callbacks_set_on_header_callback(callbacks, on_field);
      ::nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
      ::nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_body);
      ::nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_end);
      ::nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
      ::nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, on_not_sent);
      ::nghttp2_session_callbacks_set_error_callback2(callbacks, on_complaint);
      return callbacks;
    }();
    return shared;
  }
};

void Http2Client::Free::operator()(nghttp2_session* session) const {
  ::nghttp2_session_del(session);
}

Http2Client::Http2Client(const Http2Limits& limits) : limits_(limits) {
  nghttp2_session* session = nullptr;
  CHECK(::nghttp2_session_client_new(&session, Callbacks::all(), this) == 0);
  session_.reset(session);
  const std::array<nghttp2_settings_entry, 2> settings{
      {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
       {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, static_cast<std::uint32_t>(limits.window_bytes)}}};
  ::nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  ::nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, limits.window_bytes);
}

Http2Client::~Http2Client() = default;

bool Http2Client::usable() const {
  return !failed_ && ::nghttp2_session_check_request_allowed(session_.get()) != 0;
}

bool Http2Client::ready() const {
  const std::uint32_t permitted = settings_seen_
                                      ? ::nghttp2_session_get_remote_settings(
                                            session_.get(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
                                      : kStreamsBeforeSettings;
  return usable() && streams_.size() < std::min<std::size_t>(limits_.streams, permitted);
}

std::int32_t Http2Client::send(const Http2Request& request, Exchange& exchange) {
  std::vector<nghttp2_nv> pairs{pair(":method", request.method), pair(":scheme", request.scheme),
                                pair(":authority", request.authority), pair(":path", request.path)};
  for (const Field& field : request.fields) {
    const FieldName name = field_name(field.name);
    if (name != FieldName::kHost && !is_connection_level(name)) {
      pairs.push_back(pair(field.name, field.value));
    }
  }
  auto stream = std::make_unique<Stream>(Stream{.exchange = &exchange, .body = request.body});
  nghttp2_data_provider body{};
  body.read_callback = Callbacks::give_body;
  const std::int32_t id =
      ::nghttp2_submit_request(session_.get(), nullptr, pairs.data(), pairs.size(),
                               request.body.empty() ? nullptr : &body, stream.get());
  CHECK(id > 0);
  streams_.emplace(id, std::move(stream));
  return id;
}

void Http2Client::cancel(std::int32_t id) {
  const auto stream = streams_.find(id);
  CHECK(stream != streams_.end());
  stream->second->exchange = nullptr;
  ::nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
}

Result<void> Http2Client::receive(std::string_view bytes) {
  if (!failed_) {
    const ssize_t result = ::nghttp2_session_mem_recv(
        session_.get(), reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    if (result < 0) {
      failed_ = true;
      if (complaint_.empty()) complaint_ = ::nghttp2_strerror(static_cast<int>(result));
    }
  }
  fill_output();  // maybe a GOAWAY of ours, which is the end
  if (failed_) {
    return fail(format("HTTP/2: {}", complaint_.empty() ? "the connection is over" : complaint_));
  }
  return {};
}

void Http2Client::fill_output() {
  while (!failed_ && output_.size() - output_start_ < kOutputMax) {
    const std::uint8_t* bytes = nullptr;
    const ssize_t size = ::nghttp2_session_mem_send(session_.get(), &bytes);
    failed_ = failed_ || size < 0;
    if (size <= 0) return;
    output_.append(view(bytes, static_cast<std::size_t>(size)));
  }
}

std::string_view Http2Client::pending_output() {
  fill_output();
  return std::string_view(output_).substr(output_start_);
}

void Http2Client::sent(std::size_t bytes) {
  output_start_ += bytes;
  CHECK(output_start_ <= output_.size());
  if (output_start_ == output_.size()) {
    output_.clear();
    output_start_ = 0;
  }
}

void Http2Client::abandon(std::uint32_t code) {
  failed_ = true;
  while (!streams_.empty()) {
    const auto stream = streams_.extract(streams_.begin());
    if (Exchange* const exchange = stream.mapped()->exchange) exchange->ended(code);
  }
}

std::string_view http2_error_name(std::uint32_t code) { return ::nghttp2_http2_strerror(code); }

}  // namespace forebay::http
