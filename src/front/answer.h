#pragma once

#include <string>
#include <string_view>

#include "front/exchange.h"
#include "http/response.h"

namespace forebay::front {

/// An answer of our own: a refusal, an error, the health page.
struct Answer {
  int status = 200;
  Reason reason = Reason::kOk;
  std::string_view detail;   // for whoever reads the body
  unsigned retry_after = 0;  // seconds; 0: no such field
  // Empty: no such field. NOLINTNEXTLINE(readability-redundant-member-init): most do not name it.
  std::string_view request_id = {};
};

/// What a client is told for each reason of ours: 503 was never run, 502 and 504 may have been.
[[nodiscard]] Answer answer_for(Reason reason);

/// Appends the whole response. `accept` is the request's Accept field: JSON where it is asked for.
/// Returns the length of the body sent.
std::size_t write_answer(std::string& out, const Answer& answer, std::string_view accept,
                         const http::RequestFacts& facts, const http::HttpDate& date);

}  // namespace forebay::front
