#pragma once

#include <cstdint>
#include <optional>

#include "front/date_clock.h"
#include "front/exchange.h"
#include "front/outbox.h"
#include "http/response.h"
#include "net/event.h"

namespace forebay::front {

/// Takes one answer from the backend and sends it: frames it for HTTP/1, holds it to its
/// Content-Length, and keeps what the log wants to know.
class Relay final : public ResponseSink {
 public:
  /// `scratch` is any string. `changed` is set when the answer is over.
  Relay(Outbox& out, net::Event& changed, const http::RequestFacts& facts, std::string& scratch,
        DateClock& clock)
      : out_(out), changed_(changed), facts_(facts), scratch_(scratch), clock_(clock) {}

  [[nodiscard]] bool has_room() const override { return muted_ || out_.has_room(); }
  void start(const ResponseStart& head, std::string_view body, bool end) override;
  void body(std::string_view bytes, bool end) override;
  void file(Fd file, std::uint64_t offset, std::uint64_t length, bool end) override;
  void abort(Reason reason) override;
  void lost(Reason reason) override;

  /// The answer is marked as that of `exchange`.
  void mark_with(const Marker& marker, const Exchange& exchange) {
    marker_ = &marker;
    exchange_ = &exchange;
  }
  /// The connection ends after this answer; its head says so if it is not out yet.
  void close_after() { facts_.keep_alive = false; }
  /// The client has left: the rest of the answer goes nowhere.
  void mute() { muted_ = true; }

  /// Nothing more will come from the backend.
  [[nodiscard]] bool over() const { return over_; }
  /// A head was sent: no other answer can be given.
  [[nodiscard]] bool started() const { return status_ != 0; }
  /// The connection can carry another request.
  [[nodiscard]] bool keep_alive() const { return framing_.keep_alive && !broken_; }
  [[nodiscard]] Reason reason() const { return reason_; }
  [[nodiscard]] int status() const { return status_; }
  [[nodiscard]] std::uint64_t body_bytes() const { return body_bytes_; }

 private:
  void mark(http::HeadWriter& writer, std::span<const http::Field> fields) const;
  /// What of `bytes` the Content-Length leaves room for.
  std::string_view take(std::string_view bytes);
  void finish(bool end);
  /// What comes makes no answer: nothing more of it is sent.
  void spoil();

  Outbox& out_;
  net::Event& changed_;
  http::RequestFacts facts_;
  std::string& scratch_;
  DateClock& clock_;
  const Marker* marker_ = nullptr;
  const Exchange* exchange_ = nullptr;
  http::ResponseFraming framing_;
  std::optional<std::uint64_t> left_;  // of the Content-Length
  std::uint64_t body_bytes_ = 0;
  int status_ = 0;
  Reason reason_ = Reason::kOk;
  bool over_ = false;
  bool broken_ = false;
  bool muted_ = false;
  bool has_file_ = false;
};

}  // namespace forebay::front
