#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <random>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "http/field.h"
#include "http/response.h"

namespace forebay::front {

struct Exchange;

/// Which marks are made where none came with the request.
struct Marking {
  bool request_id = false;     // X-Request-ID, to the application and to the client
  bool trace = false;          // traceparent, to the application
  bool server_timing = false;  // Server-Timing, to the client
};

/// By what a request is found again in logs and traces. Views into the request's fields or into
/// the texts here, where those fields were made.
struct Marks {
  std::string_view request_id;         // X-Request-ID as the application sees it; empty: none
  std::string_view trace_id;           // of traceparent, 32 hex digits; empty: none
  std::optional<Duration> proxy_time;  // from a trusted proxy's X-Request-Start to our first byte

  std::array<char, 32> id_text{};
  std::array<char, 55> trace_text{};
  std::array<char, 16> start_text{};
};

/// Marks requests and their answers. One thread.
class Marker {
 public:
  explicit Marker(const Marking& marking);

  /// A complete request, before it is queued. To its fields: X-Request-Start (`t=`seconds since the
  /// epoch, three decimals), unless a trusted proxy has said it, and what Marking wants. Others'
  /// X-Request-Start is taken out: the application believes it.
  void mark(std::vector<http::Field>& fields, bool from_trusted, Exchange& exchange);

  /// The fields of an answer change at all.
  [[nodiscard]] bool marks_answers() const { return marking_.request_id || marking_.server_timing; }
  /// Adds to an answer that begins now; `has_id`: the application has given it an X-Request-ID.
  void mark_answer(http::HeadWriter& head, const Exchange& exchange, bool has_id) const;

 private:
  [[nodiscard]] std::string_view make_id(Marks& marks);
  [[nodiscard]] std::string_view make_trace(Marks& marks);

  const Marking marking_;
  std::mt19937_64 random_;
  std::uint64_t prefix_;       // of ids: this process
  std::uint64_t counter_ = 0;  // of ids
};

}  // namespace forebay::front
