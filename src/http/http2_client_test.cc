#include "http/http2_client.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

namespace forebay::http {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using Pairs = std::vector<std::pair<std::string, std::string>>;

std::string_view view(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

/// nghttp2's own server, in memory.
class Server {
 public:
  struct Request {
    Pairs fields;
    std::string body;
    bool complete = false;
    std::uint32_t reset = 0;  // by the client
  };

  explicit Server(std::uint32_t streams = 100) {
    nghttp2_session_callbacks* callbacks = nullptr;
    ::nghttp2_session_callbacks_new(&callbacks);
    ::nghttp2_session_callbacks_set_on_header_callback(callbacks, on_field);
    ::nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_body);
    ::nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    ::nghttp2_session_server_new(&session_, callbacks, this);
    ::nghttp2_session_callbacks_del(callbacks);
    const nghttp2_settings_entry entry{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, streams};
    ::nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, &entry, 1);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() { ::nghttp2_session_del(session_); }

  void receive(std::string_view bytes) {
    EXPECT_EQ(::nghttp2_session_mem_recv(
                  session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()),
              ssize_t(bytes.size()));
  }
  std::string output() {
    std::string all;
    const std::uint8_t* bytes = nullptr;
    for (ssize_t size = 0; (size = ::nghttp2_session_mem_send(session_, &bytes)) > 0;) {
      all += view(bytes, static_cast<std::size_t>(size));
    }
    return all;
  }

  /// The body, if any, ends the answer.
  void answer(std::int32_t id, const Pairs& fields, std::string body = {}) {
    const std::vector<nghttp2_nv> pairs = make(fields);
    const bool has_body = !body.empty();
    bodies_[id] = {std::move(body), 0};
    nghttp2_data_provider provider{};
    provider.read_callback = give_body;
    ::nghttp2_submit_response(session_, id, pairs.data(), pairs.size(),
                              has_body ? &provider : nullptr);
  }
  void interim(std::int32_t id, const Pairs& fields) {
    const std::vector<nghttp2_nv> pairs = make(fields);
    ::nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, id, nullptr, pairs.data(), pairs.size(),
                             nullptr);
  }
  [[nodiscard]] nghttp2_session* session() const { return session_; }

  std::map<std::int32_t, Request> requests;
  Pairs trailers;  // after each body

 private:
  static Server& self(void* server) { return *static_cast<Server*>(server); }
  static std::vector<nghttp2_nv> make(const Pairs& fields) {
    std::vector<nghttp2_nv> pairs;
    for (const auto& [name, value] : fields) {
      pairs.push_back({.name = reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
                       .value = reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())),
                       .namelen = name.size(),
                       .valuelen = value.size(),
                       .flags = NGHTTP2_NV_FLAG_NONE});
    }
    return pairs;
  }
  static int on_field(nghttp2_session* /*session*/, const nghttp2_frame* frame,
                      const std::uint8_t* name, std::size_t name_size, const std::uint8_t* value,
                      std::size_t value_size, std::uint8_t /*flags*/, void* server) {
    self(server).requests[frame->hd.stream_id].fields.emplace_back(view(name, name_size),
                                                                   view(value, value_size));
    return 0;
  }
  static int on_body(nghttp2_session* /*session*/, std::uint8_t /*flags*/, std::int32_t id,
                     const std::uint8_t* bytes, std::size_t size, void* server) {
    self(server).requests[id].body += view(bytes, size);
    return 0;
  }
  static int on_frame(nghttp2_session* /*session*/, const nghttp2_frame* frame, void* server) {
    Request& request = self(server).requests[frame->hd.stream_id];
    if (frame->hd.type == NGHTTP2_RST_STREAM) {
      request.reset = frame->rst_stream.error_code;
    } else if (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) {
      request.complete = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    }
    return 0;
  }
  static ssize_t give_body(nghttp2_session* session, std::int32_t id, std::uint8_t* into,
                           std::size_t size, std::uint32_t* flags, nghttp2_data_source* /*source*/,
                           void* server) {
    auto& [body, given] = self(server).bodies_[id];
    const std::size_t bytes = std::min(size, body.size() - given);
    std::memcpy(into, body.data() + given, bytes);
    given += bytes;
    if (given == body.size()) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      if (!self(server).trailers.empty()) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        const std::vector<nghttp2_nv> pairs = make(self(server).trailers);
        ::nghttp2_submit_trailer(session, id, pairs.data(), pairs.size());
      }
    }
    return static_cast<ssize_t>(bytes);
  }

  nghttp2_session* session_ = nullptr;
  std::map<std::int32_t, std::pair<std::string, std::size_t>> bodies_;  // and what was sent
};

class Recorder final : public Http2Client::Exchange {
 public:
  void head(int status_code, std::span<const Field> all) override {
    status = status_code;
    for (const Field& field : all) {
      fields.emplace_back(field.name, field.value);
    }
    on_head();
  }
  void body(std::string_view piece) override { text += piece; }
  void ended(std::uint32_t error) override {
    EXPECT_FALSE(code.has_value()) << "told twice";
    code = error;
    on_end();
  }

  int status = 0;
  Pairs fields;
  std::string text;
  std::optional<std::uint32_t> code;
  std::function<void()> on_head = [] {};
  std::function<void()> on_end = [] {};
};

constexpr Http2Request kGet{
    .method = "GET", .scheme = "http", .authority = "a.test:80", .path = "/x?y"};

class Http2ClientTest : public testing::Test {
 protected:
  /// Moves bytes both ways, in pieces of `most`, until both have said everything.
  void pump(std::size_t most = 1000) {
    while (result_) {
      const std::string_view out = client_.pending_output().substr(0, most);
      server_.receive(out);
      const bool quiet = out.empty();
      client_.sent(out.size());
      const std::string in = server_.output();
      for (std::size_t start = 0; start < in.size() && result_; start += most) {
        result_ = client_.receive(std::string_view(in).substr(start, most));
      }
      if (quiet && in.empty()) return;
    }
  }

  Server server_;
  Http2Client client_{Http2Limits{}};
  Result<void> result_;
};

TEST_F(Http2ClientTest, SendsARequestAndReadsItsAnswer) {
  Recorder recorder;
  const std::array<Field, 3> fields{{{.name = "X-Mark", .value = "1"},
                                     {.name = "Host", .value = "left.out"},
                                     {.name = "Connection", .value = "close"}}};
  Http2Request request = kGet;
  request.fields = fields;
  const std::int32_t id = client_.send(request, recorder);
  EXPECT_EQ(client_.streams(), 1U);
  pump();
  EXPECT_THAT(
      server_.requests[id].fields,
      ElementsAre(Pair(":method", "GET"), Pair(":scheme", "http"), Pair(":authority", "a.test:80"),
                  Pair(":path", "/x?y"), Pair("x-mark", "1")));
  EXPECT_TRUE(server_.requests[id].complete);
  server_.answer(id, {{":status", "404"}, {"server", "s"}, {"x-empty", ""}}, "not here");
  pump();
  EXPECT_EQ(recorder.status, 404);
  EXPECT_THAT(recorder.fields, ElementsAre(Pair("server", "s"), Pair("x-empty", "")));
  EXPECT_EQ(recorder.text, "not here");
  EXPECT_EQ(recorder.code, 0U);
  EXPECT_EQ(client_.streams(), 0U);
  EXPECT_TRUE(result_.has_value());
}

TEST_F(Http2ClientTest, ReadsTheSameInPiecesOfOneByte) {
  Recorder recorder;
  const std::int32_t id = client_.send(kGet, recorder);
  pump(1);
  server_.answer(id, {{":status", "200"}, {"a", "b"}}, "body");
  pump(1);
  EXPECT_EQ(recorder.status, 200);
  EXPECT_EQ(recorder.text, "body");
  EXPECT_EQ(recorder.code, 0U);
}

TEST_F(Http2ClientTest, SendsBodiesAsTheWindowPermits) {
  Recorder recorder;
  const std::string body(500'000, 'b');
  Http2Request request = kGet;
  request.method = "POST";
  request.body = body;
  const std::int32_t id = client_.send(request, recorder);
  pump(70'000);
  EXPECT_TRUE(server_.requests[id].body == body);
  EXPECT_TRUE(server_.requests[id].complete);
  server_.answer(id, {{":status", "204"}});
  pump();
  EXPECT_EQ(recorder.code, 0U);
}

TEST_F(Http2ClientTest, TakesBodiesLargerThanItsWindow) {
  Recorder recorder;
  const std::int32_t id = client_.send(kGet, recorder);
  pump();
  const std::string body(20'000'000, 'x');
  server_.answer(id, {{":status", "200"}}, body);
  pump(1 << 20);
  EXPECT_TRUE(recorder.text == body);
  EXPECT_EQ(recorder.code, 0U);
}

TEST_F(Http2ClientTest, SkipsInterimAnswersAndTrailers) {
  Recorder recorder;
  const std::int32_t id = client_.send(kGet, recorder);
  pump();
  server_.interim(id, {{":status", "103"}, {"link", "x"}});
  server_.trailers = {{"grade", "A"}};
  server_.answer(id, {{":status", "200"}, {"a", "b"}}, "text");
  pump();
  EXPECT_EQ(recorder.status, 200);
  EXPECT_THAT(recorder.fields, ElementsAre(Pair("a", "b")));
  EXPECT_EQ(recorder.text, "text");
  EXPECT_EQ(recorder.code, 0U);
}

TEST_F(Http2ClientTest, ManyAtOnceAnswerInAnyOrder) {
  constexpr std::size_t kMany = 80;
  std::vector<Recorder> recorders(kMany);
  std::vector<std::int32_t> ids;
  for (Recorder& recorder : recorders) {
    ASSERT_TRUE(client_.ready());
    ids.push_back(client_.send(kGet, recorder));
  }
  pump();
  for (std::size_t i = kMany; i-- > 0;) {
    server_.answer(ids[i], {{":status", "200"}}, "answer " + std::to_string(i));
  }
  pump();
  for (std::size_t i = 0; i < kMany; ++i) {
    EXPECT_EQ(recorders[i].text, "answer " + std::to_string(i));
    EXPECT_EQ(recorders[i].code, 0U);
  }
}

TEST(Http2Client, IsReadyForAsManyAsBothPermit) {
  const auto count = [](std::uint32_t permitted, std::size_t limit) {
    Server server(permitted);
    Http2Client client({.streams = limit});
    EXPECT_TRUE(client.receive(server.output()).has_value());
    std::vector<std::unique_ptr<Recorder>> recorders;
    while (client.ready()) {
      recorders.push_back(std::make_unique<Recorder>());
      client.send(kGet, *recorders.back());
    }
    EXPECT_TRUE(client.usable());
    client.abandon(NGHTTP2_CANCEL);
    return recorders.size();
  };
  EXPECT_EQ(count(7, 1000), 7U);
  EXPECT_EQ(count(1000, 7), 7U);
  EXPECT_EQ(count(250, 1000), 250U);
  EXPECT_EQ(count(0, 1000), 0U);
}

TEST(Http2Client, ExpectsAHundredBeforeTheServerHasSpoken) {
  Http2Client client({});
  std::vector<Recorder> recorders(101);
  for (std::size_t i = 0; i < 100; ++i) {
    ASSERT_TRUE(client.ready());
    client.send(kGet, recorders[i]);
  }
  EXPECT_FALSE(client.ready());
  EXPECT_TRUE(client.usable());
}

TEST_F(Http2ClientTest, TellsTheCodeOfAReset) {
  Recorder refused;
  Recorder halfway;
  const std::int32_t first = client_.send(kGet, refused);
  const std::int32_t second = client_.send(kGet, halfway);
  pump();
  ::nghttp2_submit_rst_stream(server_.session(), 0, first, NGHTTP2_REFUSED_STREAM);
  server_.interim(second, {{":status", "200"}});
  pump();
  ::nghttp2_submit_rst_stream(server_.session(), 0, second, NGHTTP2_NO_ERROR);
  pump();
  EXPECT_EQ(refused.code, std::uint32_t{NGHTTP2_REFUSED_STREAM});
  EXPECT_EQ(halfway.status, 200);
  EXPECT_EQ(halfway.code, std::uint32_t{NGHTTP2_PROTOCOL_ERROR}) << "cut without an error";
  EXPECT_TRUE(client_.ready());
  EXPECT_EQ(http2_error_name(*refused.code), "REFUSED_STREAM");
}

TEST_F(Http2ClientTest, AServerMayAnswerBeforeItHasReadTheRequest) {
  Recorder recorder;
  const std::string body(1'000'000, 'b');
  Http2Request request = kGet;
  request.body = body;
  ::nghttp2_session_set_local_window_size(server_.session(), 0, 0, 1000);
  const std::int32_t id = client_.send(request, recorder);
  client_.receive(server_.output()).value();
  server_.receive(client_.pending_output());
  client_.sent(client_.pending_output().size());
  server_.answer(id, {{":status", "413"}}, "too much");
  pump();
  EXPECT_EQ(recorder.status, 413);
  EXPECT_EQ(recorder.text, "too much");
  EXPECT_EQ(recorder.code, 0U);
  EXPECT_EQ(client_.streams(), 0U);
  EXPECT_LT(server_.requests[id].body.size(), body.size());
}

TEST_F(Http2ClientTest, CancelledRequestsAreToldNothing) {
  Recorder before;
  Recorder during;
  Recorder inside;
  client_.cancel(client_.send(kGet, before));  // before it was sent
  const std::int32_t second = client_.send(kGet, during);
  const std::int32_t third = client_.send(kGet, inside);
  pump();
  EXPECT_EQ(server_.requests.count(second - 2), 0U) << "the server knows of it";
  client_.cancel(second);
  inside.on_head = [&] { client_.cancel(third); };
  server_.answer(second, {{":status", "200"}}, "x");
  server_.answer(third, {{":status", "200"}}, "x");
  pump();
  EXPECT_EQ(server_.requests[second].reset, std::uint32_t{NGHTTP2_CANCEL});
  EXPECT_EQ(before.status + during.status, 0);
  EXPECT_EQ(inside.status, 200);
  for (const Recorder* recorder : {&before, &during, &inside}) {
    EXPECT_EQ(recorder->text, "");
    EXPECT_FALSE(recorder->code.has_value());
  }
  EXPECT_EQ(client_.streams(), 0U);
  EXPECT_TRUE(result_.has_value());
}

TEST_F(Http2ClientTest, OthersMayBeSentWithinTheCalls) {
  Recorder first;
  Recorder second;
  std::int32_t next = 0;
  first.on_end = [&] { next = client_.send(kGet, second); };
  const std::int32_t id = client_.send(kGet, first);
  pump();
  server_.answer(id, {{":status", "200"}}, "1");
  pump();
  server_.answer(next, {{":status", "200"}}, "2");
  pump();
  EXPECT_EQ(second.text, "2");
}

TEST_F(Http2ClientTest, AfterAGoawayWhatWasTakenIsFinished) {
  Recorder taken;
  Recorder late;
  const std::int32_t first = client_.send(kGet, taken);
  pump();
  const std::int32_t second = client_.send(kGet, late);
  ::nghttp2_submit_goaway(server_.session(), 0, first, NGHTTP2_NO_ERROR, nullptr, 0);
  result_ = client_.receive(server_.output());
  EXPECT_TRUE(result_.has_value());
  EXPECT_FALSE(client_.usable());
  EXPECT_FALSE(client_.ready());
  pump();
  EXPECT_EQ(late.code, std::uint32_t{NGHTTP2_REFUSED_STREAM});
  EXPECT_EQ(server_.requests.count(second), 0U);
  server_.answer(first, {{":status", "200"}}, "still");
  pump();
  EXPECT_EQ(taken.text, "still");
  EXPECT_EQ(taken.code, 0U);
  EXPECT_TRUE(result_.has_value());
}

TEST(Http2Client, AHeadThatIsTooLargeIsReset) {
  const Pairs fields{{":status", "200"}, {"name", "value"}, {"other", "more"}};
  const std::size_t bytes = 7 + 3 + 4 + 5 + 5 + 4;
  for (const std::size_t limit : {bytes, bytes - 1}) {
    Server server;
    Http2Client client({.head_bytes = limit});
    Recorder recorder;
    const std::int32_t id = client.send(kGet, recorder);
    server.receive(client.pending_output());
    client.sent(client.pending_output().size());
    server.answer(id, fields);
    EXPECT_TRUE(client.receive(server.output()).has_value());
    EXPECT_EQ(recorder.status, limit == bytes ? 200 : 0);
    EXPECT_TRUE(recorder.code.has_value());
    EXPECT_EQ(recorder.code == 0U, limit == bytes);
    EXPECT_TRUE(client.ready());
  }
}

TEST_F(Http2ClientTest, BytesThatAreNoHttp2AreAnError) {
  Recorder recorder;
  client_.send(kGet, recorder);
  const Result<void> result =
      client_.receive("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().message, HasSubstr("HTTP/2: "));
  EXPECT_FALSE(client_.usable());
  EXPECT_FALSE(client_.receive("more").has_value());
  EXPECT_FALSE(recorder.code.has_value());
  client_.abandon(NGHTTP2_PROTOCOL_ERROR);
  EXPECT_EQ(recorder.code, std::uint32_t{NGHTTP2_PROTOCOL_ERROR});
  EXPECT_EQ(client_.streams(), 0U);
  EXPECT_EQ(client_.pending_output().substr(0, 3), "PRI");
}

TEST_F(Http2ClientTest, FramesThatBreakTheRulesAreAnError) {
  Recorder recorder;
  client_.send(kGet, recorder);
  pump();
  // DATA on stream 0.
  const Result<void> result = client_.receive(std::string("\0\0\1\0\0\0\0\0\0x", 10));
  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().message, HasSubstr("DATA"));
}

}  // namespace
}  // namespace forebay::http
